"""Whose clock is off Redis's, for `status` and `check`: this machine's, workers' and beats' machines', the platforms'."""

from collections.abc import Iterable, Iterator, Mapping

from tasks import clock
from tasks.commands.sentences import Said, Sentence
from tasks.rules.skew import SKEW_SECONDS
from tasks.store.presence import Presence
from tasks.text import shown

MACHINE = Said(Sentence.SET_MACHINE)


PLATFORM = Said(Sentence.SET_REDIS)


def off(present: Iterable[Presence], platforms: Mapping[str, float]) -> Iterator[tuple[Said, Said]]:
    """Each clock that differs by more than `SKEW_SECONDS`: how much, and what to do. `platforms` are seconds ahead, by host."""
    if abs(clock.skew()) > SKEW_SECONDS:
        yield _said(clock.skew(), Said(Sentence.THIS_MACHINES)), MACHINE
    for each in present:
        if abs(each.skew) > SKEW_SECONDS:
            whose = Said(Sentence.ITS_MACHINES, {"process": f"{each.kind} {shown(each.name)}"})
            yield _said(each.skew, whose), MACHINE
    for host, ahead in platforms.items():
        yield _said(ahead, Said(Sentence.HOSTS, {"host": shown(host)})), PLATFORM


def _said(ahead: float, whose: Said) -> Said:
    kind = Sentence.CLOCK_AHEAD if ahead > 0 else Sentence.CLOCK_BEHIND
    return Said(kind, {"whose": whose, "seconds": round(abs(ahead))})
