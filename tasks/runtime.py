"""What the tasks work with, built once a process: the accounts as they are now, the handlers, and the stores."""

from dataclasses import dataclass
from functools import cache

from redis import Redis

from handlers.load import load
from handlers.registry import Registry
from handlers.registry import registry as default
from tasks.accounts import Accounts, AccountsSource
from tasks.clock import DAY
from tasks.settings import settings
from tasks.store.batches import Batches
from tasks.store.connection import connect
from tasks.store.deferred import Deferred
from tasks.store.due import Due
from tasks.store.handling_rate import HandlingRate
from tasks.store.inbox import Inbox
from tasks.store.letters import Letters
from tasks.store.marks import Marks
from tasks.store.parts import Parts
from tasks.store.pauses import Pauses
from tasks.store.plans import Plans
from tasks.store.quota import Quota
from tasks.store.recent import Recent
from tasks.store.seen import LatestPulls
from tasks.store.tally import Tally


@dataclass(frozen=True, slots=True)
class Stores:
    """Every store on one client."""

    due: Due
    counts: Due
    marks: Marks
    batches: Batches
    handling_rate: HandlingRate
    parts: Parts
    inbox: Inbox
    deferred: Deferred
    letters: Letters
    recent: Recent
    seen: LatestPulls
    pauses: Pauses
    plans: Plans
    quota: Quota
    tally: Tally

    @classmethod
    def on(cls, redis: Redis, *, done_days: float) -> "Stores":
        """All stores on this client; messages that are done with are remembered for `done_days`."""
        deferred = Deferred(redis)
        return cls(
            due=Due(redis, "consume"),
            counts=Due(redis, "count"),
            marks=Marks(deferred, done_days * DAY),
            batches=Batches(redis),
            handling_rate=HandlingRate(redis),
            parts=Parts(deferred),
            inbox=Inbox(redis),
            deferred=deferred,
            letters=Letters(redis),
            recent=Recent(redis),
            seen=LatestPulls(redis),
            pauses=Pauses(redis),
            plans=Plans(redis),
            quota=Quota(redis),
            tally=Tally(redis),
        )


@cache
def stores() -> Stores:
    """The stores of this installation."""
    return Stores.on(connect(), done_days=settings().done_days)


@cache
def registry() -> Registry:
    """The registry with every module of TIDINGS_HANDLERS imported. Raises `HandlersError` when one cannot be."""
    load(settings().handlers.split(","))
    return default


@cache
def accounts_source() -> AccountsSource:
    """Where this installation's accounts come from."""
    return AccountsSource(settings().accounts, settings().accounts_seconds)


def accounts() -> Accounts:
    """The accounts as they are now. Raises `AccountsError` when the source was never good."""
    return accounts_source().current()
