"""Keeps the clock of a worker's main process, or of a beat, in step with Redis's, and says how far it is off."""

import logging
from time import monotonic

from tasks import clock
from tasks.logs import about
from tasks.plumbing.housekeeping import every, tell
from tasks.rules.skew import SKEW_SECONDS, Said, words, worth_saying
from tasks.runtime import stores

LOOK_SECONDS = 2.0
"""A clock that was set is noticed within this."""

REMEDY = "set it by NTP (Tidings goes by Redis's clock; logs and handlers go by this machine's)"

log = logging.getLogger(__name__)

_last: Said | None = None


@every(LOOK_SECONDS)
def watch_clock() -> None:
    """Ask for the time where it is due; tell everybody how far this machine's clock is off, and a person when it is much."""
    global _last  # noqa: PLW0603 - one clock a process
    stores().clock.keep()
    skew = clock.skew()
    tell(skew=round(skew, 3))
    if not worth_saying(skew, _last, monotonic()):
        return
    _last = Said(skew, monotonic())
    if abs(skew) > SKEW_SECONDS:
        log.warning("%s: %s", words(skew, "this machine's"), REMEDY, extra=about("clock_off", seconds=skew))
    else:
        log.info("this machine's clock and Redis's agree again", extra=about("clock_right"))
