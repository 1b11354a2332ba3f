"""What a pull teaches: how many messages an account brings, how old they are, and when to pull it again."""

from dataclasses import replace
from hashlib import blake2b

from celery.utils.log import get_task_logger

from tasks import clock
from tasks.accounts import Account
from tasks.clock import HOUR, day_left
from tasks.logs import about
from tasks.logs.seldom import Seldom
from tasks.platforms.base import Reply
from tasks.platforms.errors import PlatformError
from tasks.pulling import planner
from tasks.rules import polling, retention
from tasks.rules.rates import Rate
from tasks.runtime import stores
from tasks.store.seen import Seen
from tasks.text import shown

log = get_task_logger(__name__)

_repeated = Seldom(HOUR)

LONGEST = 200
"""Characters of a failure that are kept with what is known of each account."""


def after_pull(account: Account, reply: Reply, pulled: float, before: Seen | None, *, new: bool = True) -> Seen:
    """What is known of the account after a call at `pulled` (seconds since the epoch) brought this, and what was known before.
    `new` tells that some of it was not done with before.

    Its `interval` is in how many seconds to pull again, 0 for at once.
    """
    now, got, before = clock.now(), len(reply), before or Seen(at=pulled)
    full = digest(reply) if got >= account.quantity else ""
    counts = polling.counting(got, account.quantity, new=new, again=repeated(account, full, before.full))
    rate = Rate.from_list(before.rate).after(counts, counts >= account.quantity, pulled)
    watched = retention.watch(reply.items, before.warned, pulled=pulled)
    if watched.warning:
        log.warning(
            "%s: %s",
            shown(account.name),
            watched.warning,
            extra=about("message_old", account=account.name, gateway=account.gateway.name),
        )
    if got and planner.planned_for(account.gateway):
        stores().plans.count(account.gateway.name, got, now)
    per_second = rate.per_second(now)
    next_ = following(account, counts, before, per_second, now)
    if watched.oldest is not None:
        before = replace(before, oldest=watched.oldest, oldest_at=pulled)
    return replace(
        before,
        at=pulled,
        got=got,
        interval=next_.wait,
        unplanned=next_.unplanned,
        rate=tuple(rate.as_list()),
        per_second=per_second,
        warned=watched.warned,
        failed="",
        full=full,
    )


def repeated(account: Account, full: str, before: str) -> bool:
    """Whether a full batch is that of the pull before, by their digests; tells it now and then."""
    if not full or full != before:
        return False
    if _repeated.left_out(account.name) is not None:
        log.warning(
            "%s: its platform answers with the very batch that it answered with before, as if nothing had been confirmed: "
            "it is pulled ever less often until something else comes",
            shown(account.name),
            extra=about("batch_repeated", account=account.name, gateway=account.gateway.name),
        )
    return True


def digest(reply: Reply) -> str:
    """A few letters for what came, in whatever order."""
    parts = sorted([*(f"{item.topic} {item.id}" for item in reply.items), *(each.raw for each in reply.spoilt)])
    return blake2b("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def after_failure(account: Account, before: Seen | None, error: PlatformError) -> Seen:
    """What is known after a call that failed and paused nobody: to be pulled again as after an empty one, of which nothing is
    learnt but why."""
    now, before = clock.now(), before or Seen(at=0.0)
    next_ = following(account, 0, before, Rate.from_list(before.rate).per_second(now), now)
    return replace(before, interval=next_.wait, unplanned=next_.unplanned, failed=shown(error, LONGEST))


def following(account: Account, got: int, before: Seen, rate: float, now: float) -> polling.Following:
    """What follows a pull of so many messages, by the gateway's plan if it has one."""
    return polling.following(
        got,
        account.quantity,
        before.unplanned or None,
        account.poll,
        plan=planner.current(account.gateway),
        rate=rate,
        day_left=day_left(now),
    )
