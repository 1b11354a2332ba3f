"""What the tasks work with, built once a process: the accounts as they are now, the handlers, and the stores."""

import math
import os
from contextlib import suppress
from functools import cache
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from handlers.errors import NotLoaded
from handlers.loading import load
from handlers.loading.aside import aside
from handlers.loading.decorated import passed_over
from handlers.message import Retry
from handlers.registry import Registry
from handlers.registry import registry as default
from tasks import clock
from tasks.accounts import Account, Accounts, AccountsError, AccountsSource
from tasks.accounts.extra import extra_of
from tasks.accounts.secrets import Secrets, Unresolved
from tasks.address.home import runs
from tasks.clock import DAY
from tasks.rules.belonging import asleep, not_ours, somebodys
from tasks.rules.topic_names import Doubt, Registered, doubts
from tasks.settings import settings
from tasks.store.batches import Batches
from tasks.store.connection import connect, knock
from tasks.store.contents import Contents
from tasks.store.deferred import Deferred
from tasks.store.due import Due
from tasks.store.handling_rate import HandlingRate
from tasks.store.inbox import Inbox
from tasks.store.installation import Installations
from tasks.store.letters import Letters
from tasks.store.marks import Marks
from tasks.store.measures_gateways import Gateways
from tasks.store.parts import Parts
from tasks.store.pauses import Pauses
from tasks.store.plans import Plans
from tasks.store.platform_clocks import PlatformClocks
from tasks.store.polls import Polls
from tasks.store.presence import Presences
from tasks.store.quota import Quota
from tasks.store.recent import Recent
from tasks.store.redis_clock import RedisClock
from tasks.store.registries import Registries
from tasks.store.seen import LatestPulls
from tasks.store.stragglers import Stragglers
from tasks.store.tally import Tally
from tasks.store.told import Told
from tasks.store.topics import Topics, What
from tasks.store.troubles import Troubles
from tasks.store.web import Web
from tasks.surroundings import NotReady, make_ready

WEEK = 7
"""Days in which a topic that is there arrives."""


class Stores:
    """Every store on one client."""

    def __init__(self, redis: Redis, *, done_days: float) -> None:
        """Messages that are done with are remembered for `done_days`."""
        self.redis = redis
        self.clock = RedisClock(redis)
        self.deferred = Deferred(redis)
        self.due = Due(redis, "consume")
        self.counts = Due(redis, "count")
        self.marks = Marks(self.deferred, done_days * DAY)
        self.measures = self.marks.measures
        self.gateways = Gateways(redis)
        self.batches = Batches(redis)
        self.contents = Contents(redis)
        self.handling_rate = HandlingRate(redis)
        self.installations = Installations(redis)
        self.parts = Parts(self.deferred)
        self.stragglers = Stragglers(redis)
        self.inbox = Inbox(redis)
        self.letters = Letters(redis)
        self.recent = Recent(self.deferred)
        self.seen = LatestPulls(redis)
        self.pauses = Pauses(redis)
        self.plans = Plans(redis)
        self.platform_clocks = PlatformClocks(redis)
        self.told = Told(redis)
        self.presences = Presences(redis)
        self.registries = Registries(redis)
        self.quota = Quota(redis)
        self.polls = Polls(redis)
        self.tally = Tally(self.deferred)
        self.topics = Topics(self.deferred)
        self.troubles = Troubles(redis)
        self.web = Web(redis)


@cache
def stores() -> Stores:
    """The stores of this installation; with the first look at them, this process goes by Redis's clock."""
    made = Stores(connect(), done_days=settings().done_days)
    made.clock.keep()
    return made


def refusal() -> str:
    """Why nothing here may work with the Redis that the settings lead to; "" when it may. Raises `RedisError` and `OSError`."""
    here = settings()
    if here.found_at_home and not runs(here.home):
        return asleep(str(here.home))
    with suppress(RedisConnectionError):  # it may be there at the next try
        knock()
    if here.told and not here.installation:
        return ""
    address, found = str(here.redis), stores().installations.read()
    if here.installation:
        return not_ours(address, here.installation, found)
    return somebodys(address, str(here.home.resolve()), found)


def whereabouts() -> str:
    """Which Redis commands speak to, and why that one; only the address when the environment says it."""
    here = settings()
    why = f", the installation in {here.home}" if here.found_at_home else ", as TIDINGS_REDIS_URL is not set"
    return f"{here.redis}{'' if here.told else why}"


@cache
def registry() -> Registry:
    """The registry with every module of TIDINGS_HANDLERS and of installed packages imported. Raises `HandlersError` when one
    cannot be."""
    accounts_source(), accounts_without_secrets()  # found from here, before a handler may go to another folder
    try:
        make_ready()
    except NotReady as error:
        raise NotLoaded(str(error)) from error
    load(settings().handlers.split(","))
    return default


@cache
def accounts_source() -> AccountsSource:
    """Where this installation's accounts come from."""
    return AccountsSource(settings().accounts, settings().accounts_seconds)


def accounts() -> Accounts:
    """The accounts as they are now. Raises `AccountsError` when the source was never good."""
    return accounts_source().current()


def account(name: str, since: float | None = None) -> Account | None:
    """The account of this name as it is now; None where there is none. Raises `AccountsError` when the source was never good.

    Somebody else knew it as it is at `since`, by the common clock: if this process has last looked at the accounts before that,
    it looks again first. So it does, if that is long ago, where it knows of no such account.
    """
    source = accounts_source()
    age = math.inf if since is None else max(0.0, clock.now() - since)
    return source.current(age=age).accounts.get(name) or source.current(age=source.pace).accounts.get(name)


def gateway_of(name: str) -> str:
    """The gateway of an account; "" for one that is gone, or while the accounts cannot be read here."""
    try:
        found = accounts_without_secrets().current().accounts.get(name)
    except AccountsError:
        return ""
    return found.gateway.name if found else ""


@cache
def accounts_without_secrets() -> AccountsSource:
    """The same without their secrets, for who calls no platform and runs where those may not be."""
    return AccountsSource(settings().accounts, settings().accounts_seconds, secrets=False)


def extra(name: str) -> dict[str, Any]:
    """The free table of an account as it is now, empty for an account that is gone; read by who asks first in this process.

    Raises `Retry`, whose reason logs show, where the accounts or a secret in the table cannot be read.
    """
    source = accounts_source() if accounts_source().known else accounts_without_secrets()
    try:
        found = source.current().accounts.get(name)
        return extra_of(found, Secrets(os.environ, source.folder)) if found else {}
    except AccountsError as error:
        why = (
            f"message.extra needs the accounts, which cannot be read here: {error.faults[0] if error.faults else error}"
        )
    except Unresolved as error:
        why = f"message.extra: {error}"
    raise Retry(why)


def left_aside() -> list[str]:
    """What is to be said of handlers here that are in a registry of their own, and of decorators that are never called.

    Raises `HandlersError` as `registry` does.
    """
    registry()
    modules = list(filter(None, map(str.strip, settings().handlers.split(","))))
    return [*aside(modules), *passed_over(modules)]


def doubted() -> list[Doubt]:
    """What is registered and meets no topic that is known, or that arrived within a week as far as Redis can say.

    Raises `HandlersError` for handlers that cannot be imported.
    """
    from handlers.topics import MODELS  # not before somebody needs it: models take a tenth of a second to make

    of_users = (each for each in registry() if not each.fallback)
    registered = [Registered(each.topic, each.place, each.fixed is not None) for each in of_users]
    came: dict[str, dict[What, int]] = {}
    with suppress(RedisError):
        came = stores().topics.read(now=clock.now(), days=WEEK, whats=("seen", "unhandled"))
    return doubts(registered, MODELS.keys(), {topic: counts.get("unhandled", 0) for topic, counts in came.items()})
