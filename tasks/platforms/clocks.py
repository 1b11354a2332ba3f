"""How far each platform's clock is off ours, told by the Date of its replies, and signing by it where ours is refused.

A platform refuses calls whose timestamp is ten minutes off. Its Date is believed only after such a refusal, so that a strange
one, as of a proxy on the way, breaks nothing that works.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from urllib.parse import urlsplit

from handlers.posting import answers
from tasks import clock
from tasks.platforms.errors import Transient, Unauthorised

RESOLUTION = 1.0
"""A Date has whole seconds, rounded down."""

MOST = clock.DAY
"""A Date that is further off is no clock that somebody could have set wrong."""

WORTH_SECONDS = 60.0
"""After a refusal, signing by another time is worth a call when it differs by so much: ten minutes are allowed."""

_heard: dict[str, float] = {}
_corrections: dict[str, float] = {}


def ahead(date: float, sent: float, received: float) -> float:
    """How many seconds the clock that wrote `date` is ahead of ours at least, 0.0 if it may agree.

    It was written between sending and receiving, by our clock; all are seconds since the epoch.
    """
    least, most = date - received, date + RESOLUTION - sent
    return max(least, 0.0) or min(most, 0.0)


def hear(host: str, date: str | None, sent: float, received: float) -> None:
    """Note the Date header of a reply. One that lacks, cannot be read or is absurd is left out."""
    written = moment(date or "")
    off = MOST + 1 if written is None else ahead(written, sent, received)
    if abs(off) <= MOST:
        _heard[host] = off


moment = lru_cache(8)(answers.moment)
"""A Date in seconds since the epoch; None for one that cannot be read. Many replies a second bear the same."""


def heard(url: str) -> float | None:
    """How far the clock of the platform at this address is ahead of ours by its last reply; None: it did not say."""
    return _heard.get(host_of(url))


def timestamp(url: str) -> str:
    """Now, for the `timestamp` of a call to this address."""
    return clock.timestamp(clock.now() + _corrections.get(host_of(url), 0.0))


@contextmanager
def correcting(url: str) -> Iterator[None]:
    """Read a reply. When it refuses our timestamp and tells another time, the next calls are signed by that: `Transient`."""
    try:
        yield
    except Unauthorised as refused:
        if not refused.wrong_time:
            raise
        host, told = host_of(url), heard(url)
        before = _corrections.pop(host, 0.0)
        if told is None or abs(told - before) < WORTH_SECONDS:
            raise
        _corrections[host] = told
        text = f"{refused.text}; its clock is {told:+.0f} s off ours, and calls are signed by it from now on"
        raise Transient(text, code=refused.code, sub_code=refused.sub_code, request_id=refused.request_id) from None


def forget() -> None:
    """Know nothing of any clock."""
    _heard.clear()
    _corrections.clear()


@lru_cache(64)
def host_of(url: str) -> str:
    """What a clock is known by."""
    return urlsplit(url).hostname or ""
