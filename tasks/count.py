"""Asks Taobao's counter whether pulling an account is worth a call.

rises                 the account is due now
falls, not to zero    due soon: what fell was pulled or read, and new messages may have come since
stays                 due when it would be anyway: plain polling fetches what a lost pull has left waiting
is zero               due when its longest interval is over, no earlier
cannot be read        due when it would be without a counter
"""

import math
from typing import Any

from celery.utils.log import get_task_logger

from tasks import app, clock, sending
from tasks.accounts import TaobaoAccount
from tasks.calling import calls, pausing
from tasks.calling.errors import NotNow
from tasks.logs import about
from tasks.names import COUNT
from tasks.platforms.clients import client_for
from tasks.platforms.errors import PlatformError, Transient
from tasks.plumbing.telling import TellingTask
from tasks.pulling import newer, outdated
from tasks.runtime import stores
from tasks.store.seen import Seen
from tasks.text import shown

log = get_task_logger(__name__)

REFUSED_SECONDS = 60.0
"""A counter that is refused, as without a valid session, is asked no more often: somebody has to act."""

NEVER = Seen(at=-math.inf)


@app.task(name=COUNT, base=TellingTask, acks_late=False, reject_on_worker_lost=False)
def count(name: str, until: float | None = None, since: float | None = None, **_later: Any) -> None:
    """Read the counter of the account of this name once, as it was known at `since`, unless it is later than `until`."""
    account = newer.account(name, since, stores().counts)
    if not isinstance(account, TaobaoAccount) or account.counter is None or outdated.drop(name, until):
        return
    if wait := pausing.look(account).wait:
        stores().counts.put(name, max(account.counter.every, wait))
        return
    try:
        with calls.call(account, "count"):
            readings = client_for(account.gateway).count(account)
    except NotNow as put_off:
        stores().counts.put(name, put_off.wait)
        return
    except PlatformError as error:
        pausing.heed(account, error)
        log.warning(
            "%s: its counter cannot be read, it is polled without: %s",
            shown(name),
            shown(error, 500),
            extra=about("counter_unreadable", account=account.name, gateway=account.gateway.name),
        )
        stores().tally.add(name, {"count_failures": 1}, now=clock.now())
        again = account.counter.every
        stores().counts.put(name, again if isinstance(error, Transient) else max(again, REFUSED_SECONDS))
        seen = last_pull(name)
        stores().due.wake({name: max(account.poll.min, seen.at + seen.interval - clock.now())})
        return
    number = sum(reading.number for reading in readings)
    last = stores().counts.learnt(name)
    follow(account, number, last or 0)
    stores().counts.put(name, account.counter.every, number)  # last: whoever is killed before it finds the rise again


def follow(account: TaobaoAccount, number: float, last: float) -> None:
    """Poll the account now, soon, later, or when it would be polled anyway."""
    if number > last:
        stores().due.put(account.name, sending.claim_seconds())
        sending.consume(account.name)
    elif number:
        if number < last:
            stores().due.wake({account.name: account.poll.min})
    else:
        let_wait(account)


def let_wait(account: TaobaoAccount) -> None:
    """Poll the account no earlier than its longest interval after its last pull. One that was never pulled does not wait."""
    left = min(0.0, last_pull(account.name).at - clock.now()) + account.poll.max
    if left > stores().due.delays([account.name]).get(account.name, 0.0):
        stores().due.put(account.name, left)


def last_pull(name: str) -> Seen:
    """What the account's last pull told."""
    return stores().seen.get(name) or NEVER
