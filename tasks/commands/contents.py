"""Contents of messages that a person makes: from a file, or a sample of the topic."""

import json
from typing import IO, Any

from handlers.topics import MODELS
from handlers.topics.samples import sample
from tasks.commands.group import Unusable
from tasks.commands.topics import did_you_mean
from tasks.text import shown

CONTENT_BYTES = 32 * 2**20

GIVE_ONE = "; give a content: --content FILE"


def sampled(topic: str, number: int = 0, *, instead: str = "") -> dict[str, Any]:
    """A valid content, of another trade, item or refund for another number.

    Raises `Unusable` for a topic without a model, with what to do `instead`.
    """
    if topic not in MODELS:
        raise Unusable(
            f"there is no sample of {shown(topic)}{did_you_mean(topic, MODELS)}, as it has no model{instead}"
        )
    return sample(topic, number)


def given(content: IO[bytes]) -> str:
    """The file's text, as it is. Raises `Unusable` for what is no text."""
    body = content.read(CONTENT_BYTES + 1)
    if len(body) > CONTENT_BYTES:
        raise Unusable(f"the content is larger than {CONTENT_BYTES} bytes")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unusable("the content is not UTF-8; save it as UTF-8") from None


def is_object(text: str) -> bool:
    """Whether the text is what contents are on all known platforms."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
