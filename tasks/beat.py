"""The scheduler: claims the accounts that are due and sends their tasks. `celery -A tasks beat` uses it by itself.

Celery's own compares all entries after each task and sends 40 to 50 tasks a second at 10,000 entries; here due times live in a
Redis sorted set. A claim is atomic and moves the due time ahead, so any number of beats may run, without a leader and without
sending anything twice. Entries of `beat_schedule` run too, as in every Celery application.
"""

from collections.abc import Callable, Mapping
from typing import Any

from celery.beat import Scheduler
from celery.utils.log import get_logger
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from tasks import app as tidings
from tasks import polling, sending
from tasks.accounts import Account, Accounts, AccountsError, TaobaoAccount
from tasks.runtime import accounts, stores
from tasks.settings import settings
from tasks.store.due import Due
from tasks.text import shown

log = get_logger(__name__)

AT_ONCE = 500
"""How many accounts one claim takes: a batch of tasks that is sent in a few tens of milliseconds."""

BACK_OFF_SECONDS = 2.0
"""The wait after Redis or the broker failed."""

NOTICED = 2
"""Workers have seen a change of the accounts file after so many looks at it."""

LOST = (RedisError, KombuError, ConnectionError, OSError)


class AccountScheduler(Scheduler):
    """Celery's scheduler, and the accounts' due times beside it."""

    _known: Accounts | None = None

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; the seconds until the next look, never longer than `beat_max_loop_interval`."""
        own: float = super().tick(*args, **kwargs) or 0.0
        try:
            ours = self.poll_due()
        except LOST as error:
            log.warning(
                "beat: Redis or the broker does not answer, trying again in %.0f s: %s", BACK_OFF_SECONDS, shown(error)
            )
            self._known = None
            return BACK_OFF_SECONDS
        return max(0.0, min(own, ours, self.longest_sleep))

    @property
    def longest_sleep(self) -> float:
        """`beat_max_loop_interval`, in seconds."""
        return float(self.max_interval or 0.2)

    def poll_due(self) -> float:
        """Claim and send both kinds of task; the seconds until one falls due."""
        try:
            now = accounts()
        except AccountsError:
            return self.longest_sleep  # the source has logged it
        counted = {name: account for name, account in now.accounts.items() if has_counter(account)}
        fresh = now is not self._known
        self.poll_changed(now)
        waits = [
            self.send_due(stores().due, now.accounts, sending.consume, fresh=fresh),
            self.send_due(stores().counts, counted, sending.count, fresh=fresh),
        ]
        self._known = now
        return min(waits)

    def poll_changed(self, now: Accounts) -> None:
        """Poll accounts soon that were changed, as by new credentials: a paused one would wait for its next look."""
        if self._known is None or self._known is now:
            return
        for name, account in now.accounts.items():
            if self._known.accounts.get(name, account) != account:
                stores().due.sooner(name, NOTICED * settings().accounts_seconds)

    def send_due(self, due: Due, known: Mapping[str, Account], send: Callable[[str], None], *, fresh: bool) -> float:
        """Claim what is due of one kind and send it in one round trip; the seconds until the next falls due."""
        if fresh:
            seed(due, known)
        claim = due.claim(AT_ONCE, sending.claim_seconds())
        if claim.known != len(known):
            seed(due, known)
        names = [name for name in claim.names if name in known]
        if names:
            with tidings.batch():
                for name in names:
                    send(name)
        if len(claim.names) == AT_ONCE:
            return 0.0
        return self.longest_sleep if claim.next_in is None else max(0.0, claim.next_in)


def seed(due: Due, known: Mapping[str, Account]) -> None:
    """Make new accounts known, their first polls spread out, and forget those that are gone."""
    there = due.known()
    due.seed(polling.first_polls({name: account.poll for name, account in known.items()}, there))
    due.forget([name for name in there if name not in known])


def has_counter(account: Account) -> bool:
    """Whether a counter says when to pull this account."""
    return isinstance(account, TaobaoAccount) and account.counter is not None
