"""How topics that nobody handles, and workers with other handlers, are told; for `handlers`, `status` and `check`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tasks.text import shown

SHOWN = 3
"""So many topics are named."""

ONE_CODE = "restart it with the same code and TIDINGS_HANDLERS as the others"

HAS_ONE = "a handler is there now"

WRITE_ONE = "write handlers for them, or one that only returns where they may be forgotten"


@dataclass(frozen=True, slots=True)
class Unhandled:
    """Today's messages that nobody handled, by topic, the most first: of topics that nobody handles now either, and of others."""

    still: Mapping[str, int] = field(default_factory=dict)
    mended: Mapping[str, int] = field(default_factory=dict)


def told_unhandled(counts: Mapping[str, int]) -> str:
    """Today's messages that nobody handled, and the topics of most of them."""
    total = sum(counts.values())
    named = ", ".join(f"{shown(topic)} ({number})" for topic, number in list(counts.items())[:SHOWN])
    more = f" and {len(counts) - SHOWN} more" if len(counts) > SHOWN else ""
    many = "1 message" if total == 1 else f"{total} messages"
    return f"{many} today that nobody handled: topic{'s' if len(counts) > 1 else ''} {named}{more}"
