"""Drops polls that waited in the queue for so long that beat has sent others since: counted, and said now and then."""

from time import monotonic

from celery.utils.log import get_task_logger

from tasks import clock
from tasks.logs import about
from tasks.rules.measures import named
from tasks.runtime import stores
from tasks.text import shown

log = get_task_logger(__name__)

TELL_SECONDS = 60.0
"""At most so often a process says it: after a night without workers there are many."""


class Told:
    """What this process has dropped since it last said so."""

    def __init__(self) -> None:
        self._dropped = 0
        self._not_before = 0.0

    def note(self, name: str, late: float) -> None:
        """An account's poll was dropped that came so many seconds too late."""
        self._dropped += 1
        if monotonic() < self._not_before:
            return
        log.warning(
            "polls discarded: %d, the latest of %s, which no worker took until %.0f s after its time; "
            "if this goes on, start more workers",
            self._dropped,
            shown(name),
            late,
            extra=about("polls_discarded", polls=self._dropped, account=name, seconds=late),
        )
        self._dropped = 0
        self._not_before = monotonic() + TELL_SECONDS


_told = Told()


def drop(name: str, until: float | None, gateway: str = "") -> bool:
    """Whether a poll of this account is not to be made. An earlier version sends none of these times: its polls always are."""
    stores().clock.keep()
    late = clock.now() - until if isinstance(until, int | float) else 0.0
    if late <= 0:
        return False
    stores().tally.add(name, {"discarded": 1}, now=clock.now())
    stores().measures.add({named("dropped", gateway): 1})
    _told.note(name, late)
    return True
