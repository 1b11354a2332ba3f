"""The scheduler: claims the accounts that are due and sends their tasks. `celery -A tasks beat` uses it by itself.

Celery's own compares all entries after each task and sends 40 to 50 tasks a second at 10,000 entries; here due times live in a
Redis sorted set. A claim is atomic and moves the due time ahead, so any number of beats may run, without a leader and without
sending anything twice. Entries of `beat_schedule` run too, as in every Celery application.
"""

import signal
import threading
from socket import gethostname
from typing import Any

from celery.beat import Scheduler
from celery.signals import beat_init
from celery.utils.log import get_logger
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from tasks.accounts import Account, Accounts, AccountsError, TaobaoAccount
from tasks.logs import about
from tasks.names import CONSUME, COUNT
from tasks.plumbing import housekeeping
from tasks.plumbing.pulse import Pulse
from tasks.pulling import gateways
from tasks.pulling.rota import Rota, most_waiting
from tasks.runtime import accounts_source, stores
from tasks.store.refusals import advice

log = get_logger(__name__)

PACE_SECONDS = 0.05
"""The shortest time between two looks: what falls due meanwhile goes out together, for less. Of 333 polls a second each costs
beat two thirds of a command to Redis; twenty milliseconds would cost it more than one and half, and twice the CPU."""

BACK_OFF_SECONDS = 2.0
"""The wait after Redis or the broker failed."""

NOTICE_SECONDS = 0.5
"""Other beats have read a change of the accounts after so long: who is polled for it is told to workers by all of them."""

LOST = (RedisError, KombuError, ConnectionError, OSError)


class AccountScheduler(Scheduler):
    """Celery's scheduler, and the accounts' due times beside it."""

    _known: Accounts | None = None
    _in_step = False
    """Whether Redis has been there since the due times were looked through."""
    _connected = False
    """Whether the last look at what is due found Redis and broker, and accounts were read before."""
    _consume: Rota
    _count: Rota
    _keeping: housekeeping.Housekeeping | None = None
    _pulse: Pulse | None = None

    def keep_house(self) -> None:
        """Called when the process that it runs in begins."""
        self._pulse = Pulse("beat", gethostname())
        self._keeping = housekeeping.of_beat()
        self._keeping.start()

    def close(self) -> None:
        """Called when it ends; another SIGTERM, which may come once Python has taken back Celery's handler, is left out."""
        if self._keeping:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self._keeping.stop()
        if self._pulse:
            self._pulse.end()
        super().close()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; the seconds until the next look, never longer than `beat_max_loop_interval`."""
        if self._pulse:
            self._pulse.turn(self._connected)
        own: float = super().tick(*args, **kwargs) or 0.0
        try:
            ours = self.poll_due()
        except LOST as error:
            log.warning(
                "beat: Redis or the broker %s; beat tries again in %.0f s",
                advice(error),
                BACK_OFF_SECONDS,
                extra=about("beat_backs_off", seconds=BACK_OFF_SECONDS),
            )
            self._in_step = self._connected = False
            return BACK_OFF_SECONDS
        self._connected = self._known is not None
        return max(0.0, min(own, ours, self.longest_sleep))

    @property
    def longest_sleep(self) -> float:
        """`beat_max_loop_interval`, in seconds."""
        return float(self.max_interval or 0.1)

    def poll_due(self) -> float:
        """Send both kinds of task to whom they are due; the seconds until there is more to do."""
        try:
            now = accounts_source().current(patience=0)
        except AccountsError:
            return self.longest_sleep  # the source has logged it
        if now is not self._known or not self._in_step:
            self.follow(now)
        stores().clock.keep()
        most = most_waiting(len(now.accounts))
        waits = [wait for rota in (self._consume, self._count) if (wait := rota.send(most)) is not None]
        soonest = min(waits, default=self.longest_sleep)
        return max(PACE_SECONDS, soonest) if soonest else 0.0

    def follow(self, now: Accounts) -> None:
        """Poll these accounts from now on."""
        gateways.follow(now)
        counted = {name: account for name, account in now.accounts.items() if has_counter(account)}
        if self._in_step:
            self._consume.follow(now.accounts, NOTICE_SECONDS)
            self._count.follow(counted, NOTICE_SECONDS)
        else:
            self._consume = Rota(stores().due, CONSUME, now.accounts)
            self._count = Rota(stores().counts, COUNT, counted)
            self._in_step = True
        self._known = now


@beat_init.connect
def keep_house(sender: Any, **_: Any) -> None:
    """A beat begins, by itself or in a worker (`-B`), where Celery sends this signal too."""
    if isinstance(sender.scheduler, AccountScheduler):
        sender.scheduler.keep_house()


def has_counter(account: Account) -> bool:
    """Whether a counter says when to pull this account."""
    return isinstance(account, TaobaoAccount) and account.counter is not None
