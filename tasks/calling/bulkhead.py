"""Keeps a platform that answers slowly, or not at all, from holding every place for calls that this process has.

The lane makes so many calls at a time. Without this, a platform that lets calls hang until they are given up would soon have
all of these places, and the polls and confirms of every other platform would wait behind it. So those of one address hold a
part of the places at most; polls a smaller one, so that confirms find room. Processes that make one call at a time, as those of
Celery's own pool, have no places to divide.
"""

import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
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

_lock = threading.Lock()
_begun: dict[str, dict[int, float]] = defaultdict(dict)
_numbers = iter(range(2**62))
_said: dict[str, float] = {}


@contextmanager
def place(account: Account, api: Api) -> Iterator[None]:
    """Hold one place for a call to the account's platform inside of this. Raises `NotNow` instead."""
    if not lane.places:
        yield
        return
    platform, now = name(account), monotonic()
    with _lock:
        number, running = next(_numbers), _begun[platform]
        if room := len(running) < bulkhead.most(lane.places, api):
            running[number] = now
        else:
            oldest = now - min(running.values())
    if not room:
        if bulkhead.slow(oldest):
            tell(platform, len(running), now)
        raise NotNow(bulkhead.wait(oldest, api, account.poll.max, random.random()))  # noqa: S311 - spreading, not secrecy
    try:
        yield
    finally:
        with _lock:
            del running[number]


def name(account: Account) -> str:
    """What answers the account's calls: a platform at an address, whichever gateways lead to it."""
    return f"{account.gateway.platform} at {urlsplit(account.gateway.url).netloc.rpartition('@')[2]}"


def tell(platform: str, many: int, now: float) -> None:
    """Warn of a platform that is slow, unless that was done lately."""
    if now - _said.get(platform, -SAY_SECONDS) >= SAY_SECONDS:
        _said[platform] = now
        log.warning(
            "%s has not answered %d calls yet; more are put off, so that others are called",
            shown(platform),
            many,
            extra=about("platform_slow", calls=many),
        )
