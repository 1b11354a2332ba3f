"""How names that came from outside become part of a Redis key."""

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

PREFIX = "tidings:"
LONGEST = 64
PLAIN = re.compile(r"[A-Za-z0-9._@-]{1,64}")
"""What may stand in a key as it is: nothing that a terminal acts on, no colon, nothing long."""


def part(text: str) -> str:
    """The text itself where it is short and plain, else a digest of it, marked so that the two never meet."""
    if PLAIN.fullmatch(text):
        return text
    return "~" + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@lru_cache(4096)  # a message's mark is asked for three times within a bundle
def key(*parts: str) -> str:
    """A key below `tidings:`; every part but the first comes from outside."""
    first, *others = parts
    return PREFIX + ":".join((first, *(part(other) for other in others)))


def mark_of(names: Sequence[str]) -> str:
    """The key of a message's mark."""
    return key("mark", *names)
