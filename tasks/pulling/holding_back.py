"""Holds accounts back while messages wait for handlers: looks what waits, and how fast it goes.

Who has more open than a few messages, and so may be what others wait for, is let in by nothing but what was seen just then. That
somebody is held back a look shortly before tells, too, less what handlers have taken since: for no longer, as what is held back
by a rate that was too low keeps it low.
"""

from dataclasses import replace
from functools import cache
from math import inf
from threading import Lock
from typing import Any

from tasks import app, clock
from tasks.accounts import Account
from tasks.handling import asked
from tasks.names import USUAL
from tasks.rules import backpressure
from tasks.rules.backpressure import NOTHING, Backlog, Load
from tasks.rules.circuit_breaker import LOOKS_A_SECOND
from tasks.runtime import Stores, accounts, stores
from tasks.settings import settings

TRIES = 3
"""A connection to a broker that has restarted since is made anew; one that does not answer at all fails the poll, which has
done nothing yet and falls due again."""


LOOK_SECONDS = 0.25
"""An account that has little open is let in by what was seen within this, and any is held back by it: that costs no look."""

LOOKING_SECONDS = 2 * LOOK_SECONDS
"""The same while somebody looks anew: many threads need not all wait for that."""

JUST_SECONDS = 0.05
"""What was seen within this was seen just now."""


class Seen:
    """What this process has seen of the handlers' queue, and has handed out since. For several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.looks = 0
        """How many have begun."""
        self._at = -inf
        self._backlog = Backlog()
        self._error: Exception | None = None

    def lately(self) -> Backlog:
        """As it was within `LOOK_SECONDS`, or shortly before while a thread looks; and what was handed out since."""
        good = LOOKING_SECONDS if self._lock.locked() else LOOK_SECONDS
        recent = 0 <= clock.now() - self._at < good
        return self._backlog if recent else self.now(self.looks)

    def expected(self) -> Backlog:
        """What is left by now of what was seen within `LOOK_SECONDS`; nothing where nobody has looked."""
        since = clock.now() - self._at
        return self._backlog.after(since) if 0 <= since < LOOK_SECONDS else Backlog()

    def now(self, looks: int) -> Backlog:
        """As it was since so many looks had begun, or just before: one that began later is enough for all. Raises what broker or
        Redis raises."""
        with self._lock:
            if self.looks == looks and not 0 <= clock.now() - self._at < JUST_SECONDS:
                self.looks += 1
                self._look()
            if self._error:
                raise self._error
            return self._backlog

    def _look(self) -> None:
        self._error = None
        try:
            self._backlog = stores().handling_rate.look(waiting())
            self._at = clock.now()
        except Exception as error:  # reaches all who wait for this look
            self._at, self._error = -inf, error

    def handed_out(self, messages: int) -> None:
        """This process has given so many messages to handlers."""
        with self._lock:
            self._backlog = replace(self._backlog, messages=self._backlog.messages + messages)


def seen() -> Seen:
    """What this process has seen."""
    return _seen(stores())


@cache
def _seen(_: Stores) -> Seen:
    return Seen()


def lets_in(account: Account) -> bool:
    """Whether the account may be pulled if it has nothing open. Raises what the broker or Redis raises."""
    return not hold(account, NOTHING, seen().lately())


def look(account: Account, load: Load) -> float:
    """For how many seconds the account, which has so much open, is not to be pulled; 0 when it may be.

    Raises what the broker or Redis raises.
    """
    return account.poll.min if load.batches >= settings().open_batches else behind(account, load)


def behind(account: Account, load: Load) -> float:
    """For how many seconds handlers are too far behind for another pull of this account."""
    looks = seen().looks
    if wait := expected(account, load):
        return wait
    if not backpressure.greedy(load) and not hold(account, load, seen().lately()):
        return 0.0
    return hold(account, load, seen().now(looks))


def expected(account: Account, load: Load) -> float:
    """The same by what this process knows without a look; 0 also where that is not enough to hold anybody back."""
    return hold(account, load, seen().expected())


def hold(account: Account, load: Load, backlog: Backlog) -> float:
    """The same, with so much that waits for handlers."""
    room = backpressure.room(account.gateway.lease_seconds, settings().handler_seconds)
    longest = max(backpressure.LATEST_SECONDS, len(accounts().accounts) / LOOKS_A_SECOND)
    return backpressure.hold(load, backlog, room, account.poll, longest)


def waiting() -> int:
    """How many handle tasks wait in the broker, of whatever kind it is, in the queues that handlers have asked for too.

    Raises the broker's error when it stays away.
    """
    queues = [app.amqp.queues[name] for name in (USUAL, *asked.queues(asked.known()))]

    def ask(channel: Any) -> int:
        declared: list[Any] = [queue(channel).queue_declare() for queue in queues]
        return sum(int(each.message_count) for each in declared)

    pool: Any = app.pool  # its types say that it holds producers
    with pool.acquire(block=True) as connection:
        number, _ = connection.autoretry(ask, max_retries=TRIES)()
    return int(number)
