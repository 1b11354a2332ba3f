"""Whose clock is off Redis's, for `status` and `check`: this machine's, workers' and beats' machines', the platforms'."""

from collections.abc import Iterable, Iterator, Mapping

from tasks import clock
from tasks.rules.skew import SKEW_SECONDS, words
from tasks.store.presence import Presence
from tasks.text import shown

MACHINE = "set it by NTP; Tidings goes by Redis's clock, but logs and handlers go by that machine's"


PLATFORM = "set the clock of Redis's machine by NTP; a call is refused when it is 600 s off"


def off(present: Iterable[Presence], platforms: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Each clock that differs by more than `SKEW_SECONDS`: how much, and what to do. `platforms` are seconds ahead, by host."""
    if abs(clock.skew()) > SKEW_SECONDS:
        yield words(clock.skew(), "this machine's"), MACHINE
    for each in present:
        if abs(each.skew) > SKEW_SECONDS:
            yield words(each.skew, f"{each.kind} {shown(each.name)}: its machine's"), MACHINE
    for host, ahead in platforms.items():
        yield words(ahead, f"{shown(host)}'s"), PLATFORM
