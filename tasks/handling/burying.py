"""Stops a bad release from burying everything: past a share of dead letters the account pauses instead.

What ended well is counted here, in the process, and told to Redis with the next death: the usual message costs nothing.
"""

import shlex
from collections import Counter

from celery.utils.log import get_task_logger

from tasks import clock
from tasks.rules.circuit_breaker import Pause
from tasks.runtime import stores
from tasks.settings import settings
from tasks.text import shown

log = get_task_logger(__name__)

FROM_DEAD = 20
"""Fewer deaths than these say nothing about a release."""

FLUSH_AT = 100
PAUSE_SECONDS = 600.0

_well: Counter[str] = Counter()


def went_well(account: str) -> None:
    """Count a handled message."""
    _well[account] += 1
    if _well[account] >= FLUSH_AT:
        stores().recent.add(account, well=_well.pop(account))


def may_bury(account: str) -> bool:
    """Whether one more message of this account may be buried; if not, the account is paused and the message is to be left."""
    well, dead = stores().recent.add(account, well=_well.pop(account, 0), dead=1)
    if not too_many(well, dead, settings().max_dead_ratio):
        return True
    stores().recent.add(account, dead=-1)
    now = clock.now()
    reason = f"{dead} of the latest {well + dead} messages would be buried, more than TIDINGS_MAX_DEAD_RATIO allows"
    remedy = f"mend the handlers and restart the workers, then: celery -A tasks accounts resume {shlex.quote(account)}"
    stores().pauses.put("account", account, Pause(now + PAUSE_SECONDS, reason, remedy), now=now)
    log.error("account %s is paused: %s; %s", shown(account), reason, shown(remedy, 200))
    return False


def too_many(well: int, dead: int, ratio: float) -> bool:
    """Whether so many dead among the latest are more than one bad message now and then."""
    return dead > FROM_DEAD and dead > ratio * (well + dead)
