"""Keeps a platform that answers slowly, or not at all, from holding every place for calls that this process has.

The lane makes so many calls at a time. Without this, a platform that lets calls hang until they are given up would soon have
all of these places, and the polls and confirms of every other platform would wait behind it. So those of one address hold a
part of the places at most, a smaller one once it is in trouble; polls a smaller one than confirms, so that these find room. A
platform that is the only one takes every place while it answers in time. Processes that make one call at a time, as those of
Celery's own pool, have no places to divide.
"""

import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic
from urllib.parse import urlsplit

from celery.utils.log import get_task_logger

from tasks.accounts import Account
from tasks.calling.errors import NotNow
from tasks.logs import about
from tasks.plumbing import lane
from tasks.rules import bulkhead
from tasks.rules.allowance import Api
from tasks.text import shown

log = get_task_logger(__name__)

SAY_SECONDS = 60.0
"""A platform that is slow is told of so often, by each process."""


class Calls:
    """A platform's calls of this process: when each that runs began, the oldest first, and until when it counts as in trouble
    (both monotonic)."""

    __slots__ = ("begun", "said", "troubled_until")

    def __init__(self) -> None:
        self.begun: dict[int, float] = {}
        self.troubled_until = self.said = -inf
        """`said` is when the platform was last told of."""

    def look(self, now: float) -> bool:
        """Whether the platform is in trouble, or was lately."""
        if bulkhead.in_trouble(lane.places, self.begun.values(), now):
            self.troubled_until = now + bulkhead.LATELY_SECONDS
        return now < self.troubled_until


_lock = threading.Lock()
_platforms: dict[str, Calls] = defaultdict(Calls)
_numbers = iter(range(2**62))


@contextmanager
def place(account: Account, api: Api) -> Iterator[None]:
    """Hold one place for a call to the account's platform inside of this. Raises `NotNow` instead."""
    if not lane.places:
        yield
        return
    platform, now = name(account), monotonic()
    with _lock:
        number, calls = next(_numbers), _platforms[platform]
        most = bulkhead.most(lane.places, api, alone=len(_platforms) == 1, troubled=calls.look(now))
        if room := len(calls.begun) < most:
            calls.begun[number] = now
        else:
            oldest = now - next(iter(calls.begun.values()))
    if not room:
        if bulkhead.slow(oldest):
            tell(platform, calls, now)
        raise NotNow(bulkhead.wait(oldest, api, account.poll.max, random.random()))  # noqa: S311 - spreading, not secrecy
    try:
        yield
    finally:
        with _lock:
            calls.look(monotonic())  # where all places are held, nobody asks for one until calls are given up
            del calls.begun[number]


def name(account: Account) -> str:
    """What answers the account's calls: a platform at an address, whichever gateways lead to it."""
    return f"{account.gateway.platform} at {urlsplit(account.gateway.url).netloc.rpartition('@')[2]}"


def tell(platform: str, calls: Calls, now: float) -> None:
    """Warn of a platform that is slow, unless that was done lately."""
    if now - calls.said >= SAY_SECONDS:
        calls.said, many = now, len(calls.begun)
        log.warning(
            "%s has not answered %d calls yet; more are put off, so that others are called",
            shown(platform),
            many,
            extra=about("platform_slow", calls=many),
        )
