"""Whose clock is off, for `status` and `check`: this machine's, and that of every machine that a worker or beat runs on."""

from collections.abc import Iterable, Iterator

from tasks import clock
from tasks.rules.skew import SKEW_SECONDS, words
from tasks.store.presence import Presence
from tasks.text import shown

REMEDY = "set it by NTP; Tidings goes by Redis's clock, but logs and handlers go by that machine's"


def machines_off(present: Iterable[Presence]) -> Iterator[str]:
    """A sentence for each clock that differs from Redis's by more than `SKEW_SECONDS`."""
    if abs(clock.skew()) > SKEW_SECONDS:
        yield words(clock.skew(), "this machine's")
    for each in present:
        if abs(each.skew) > SKEW_SECONDS:
            yield words(each.skew, f"{each.kind} {shown(each.name)}: its machine's")
