"""Watches the platforms' clocks: who is off Redis's is told in the log, and noted for `status` and `check`."""

from time import monotonic

from celery.utils.log import get_task_logger

from tasks.logs import about
from tasks.platforms.clocks import heard, host_of
from tasks.rules.skew import SKEW_SECONDS, Said, words, worth_saying
from tasks.runtime import stores
from tasks.text import shown

log = get_task_logger(__name__)

NOTE_SECONDS = 60.0
"""What goes on is noted again after so long, by each process."""

_noted: dict[str, float] = {}
_said: dict[str, Said] = {}


def look(url: str) -> None:
    """After a call to this address. Raises `RedisError`."""
    host, off = host_of(url), heard(url)
    if off is None or (abs(off) <= SKEW_SECONDS and host not in _noted):
        return
    now = monotonic()
    if abs(off) <= SKEW_SECONDS:
        _noted.pop(host, None)  # another thread may have seen it, too
        stores().platform_clocks.drop(host)
    elif now >= _noted.get(host, 0.0):
        _noted[host] = now + NOTE_SECONDS
        stores().platform_clocks.put(host, off)
    if worth_saying(off, _said.get(host), now):
        _said[host] = Said(off, now)
        if abs(off) > SKEW_SECONDS:
            log.warning(
                "%s: set the clock of Redis's machine by NTP; a call is refused when it is 600 s off",
                words(off, f"{shown(host)}'s"),
                extra=about("platform_clock_off", host=host, seconds=off),
            )


def forget() -> None:
    """Know nothing of what was noted and said."""
    _noted.clear()
    _said.clear()
