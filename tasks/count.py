"""Asks Taobao's counter whether pulling an account is worth a call.

A counter that rose makes the account due now; one that stands at zero lets it wait for its longest interval; one that
cannot be read leaves the account to plain polling.
"""

import time

from celery.utils.log import get_task_logger

from tasks import app, pausing, sending
from tasks.accounts import TaobaoAccount
from tasks.names import COUNT
from tasks.platforms import client_for
from tasks.platforms.errors import PlatformError
from tasks.runtime import accounts, stores
from tasks.text import shown

log = get_task_logger(__name__)


@app.task(name=COUNT, acks_late=False, reject_on_worker_lost=False)
def count(name: str) -> None:
    """Read the counter of the account of this name once."""
    account = accounts().accounts.get(name)
    if not isinstance(account, TaobaoAccount) or account.counter is None:
        return
    if wait := pausing.look(account).wait:
        stores().counts.put(name, max(account.counter.every, wait))
        return
    try:
        readings = client_for(account.gateway).count(account)
    except PlatformError as error:
        log.warning("%s: its counter cannot be read, it is polled without: %s", shown(name), shown(error, 500))
        stores().tally.add(name, {"counts": 1, "count_failures": 1}, now=time.time())
        stores().counts.put(name, account.counter.every)
        stores().due.sooner(name, stores().due.learnt(name) or account.poll.min)
        return
    number = sum(reading.number for reading in readings)
    last = stores().counts.learnt(name)
    stores().tally.add(name, {"counts": 1}, now=time.time())
    stores().counts.put(name, account.counter.every, number)
    follow(account, number, last or 0)


def follow(account: TaobaoAccount, number: float, last: float) -> None:
    """Poll the account now, later, or when it would be polled anyway."""
    if number > last:
        stores().due.put(account.name, sending.claim_seconds())
        sending.consume(account.name)
    elif number == 0:
        stores().due.put(account.name, account.poll.max)
