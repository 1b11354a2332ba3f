"""What an empty poll costs Redis: round trips and commands, those inside of scripts counted too, on a real Valkey."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import pytest
from redis import Redis
from redis.connection import AbstractConnection

from tasks import consume, runtime
from tasks.accounts import Account
from tasks.platforms import Keep, Reply
from tasks.runtime import Stores

ROUND_TRIPS = 2
"""One question, one answer."""

COMMANDS = 10
"""A poll alone; the more at a time, the fewer each takes."""

THREADS, POLLS = 20, 5
TOGETHER = 6
"""Commands of one of many polls at a time: the first of the day counted in, which lets its tally expire."""

GREETINGS = ("HELLO", "CLIENT", "SELECT", "SCRIPT", "PING")
"""What a new connection sends."""

GATEWAYS = """
[gateways.free]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
[gateways.limited]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
calls_per_second = 1000
calls_per_day = 100000
"""
ACCOUNT = """
[accounts.{gateway}-{n}]
gateway = "{gateway}"
group = "{n}"
"""


class Empty:
    """A platform without messages; with a barrier, replies come when so many have asked."""

    confirm_limit = 50

    def __init__(self, barrier: Barrier | None = None) -> None:
        self.barrier = barrier

    def pull(self, account: Account, *, keep: Keep | None = None) -> Reply:
        if self.barrier:
            self.barrier.wait(30)
        return Reply()


@dataclass
class Cost:
    """What went to Redis since it was made."""

    redis: Redis
    trips: int = 0

    def __post_init__(self) -> None:
        self.before = self.total()

    def total(self) -> int:
        """All commands that were run, also inside of scripts, but for this question and a connection's greetings."""
        found = self.redis.info("commandstats").items()
        free = ("cmdstat_info", "cmdstat_hello", "cmdstat_client", "cmdstat_select", "cmdstat_script", "cmdstat_ping")
        return sum(each["calls"] for name, each in found if not name.startswith(free))

    @property
    def commands(self) -> int:
        """How many there were."""
        return self.total() - self.before


@pytest.fixture
def shops(tidings: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Account]:
    """Accounts of a gateway without limits and of one with them, each of which was polled before."""
    accounts = (ACCOUNT.format(gateway=gateway, n=n) for gateway in ("free", "limited") for n in range(THREADS))
    (tmp_path / "accounts.toml").write_text(GATEWAYS + "".join(accounts))
    runtime.accounts_source.cache_clear()
    monkeypatch.setattr(consume, "client_for", lambda gateway: Empty())
    known = dict(runtime.accounts().accounts)
    tidings.due.seed(dict.fromkeys(known, 0.0))
    for name in ("free-0", "limited-0"):
        consume.consume(name)
    return known


@pytest.fixture
def cost(shops: dict[str, Account], redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cost]:
    """Counts from now on."""
    found, send = Cost(redis), AbstractConnection.send_packed_command

    def counted(self: AbstractConnection, *args: object, **options: object) -> object:
        found.trips += not any(word in repr(args[0])[:30] for word in GREETINGS)
        return send(self, *args, **options)  # type: ignore[no-untyped-call]

    with monkeypatch.context() as patch:
        patch.setattr(AbstractConnection, "send_packed_command", counted)
        yield found


def of_a_poll(name: str, cost: Cost) -> tuple[int, int]:
    """Round trips and commands of an empty poll: the least of three, as Redis is asked the time now and then."""
    found = []
    for _ in range(3):
        commands, trips = cost.commands, cost.trips  # to ask how many commands is a trip
        consume.consume(name)
        found.append((cost.trips - trips, cost.commands - commands))
    return min(found)


def test_an_empty_poll_asks_once_and_tells_once(cost: Cost) -> None:
    trips, commands = of_a_poll("free-0", cost)
    assert 0 < trips <= ROUND_TRIPS
    assert 0 < commands <= COMMANDS


def test_within_limits_too(cost: Cost, redis: Redis) -> None:
    trips, _ = of_a_poll("limited-0", cost)
    assert 0 < trips <= ROUND_TRIPS
    assert redis.hget("tidings:seen", "limited-0")


@pytest.mark.parametrize("gateway", ["free", "limited"])
def test_polls_at_the_same_moment_share_what_they_ask_and_tell(
    cost: Cost, shops: dict[str, Account], tidings: Stores, monkeypatch: pytest.MonkeyPatch, gateway: str
) -> None:
    platform = Empty(Barrier(THREADS))
    monkeypatch.setattr(consume, "client_for", lambda _: platform)
    names = [f"{gateway}-{n}" for n in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        for _ in range(POLLS):
            list(threads.map(consume.consume, names))
    polls = THREADS * POLLS
    assert cost.trips < polls * ROUND_TRIPS
    if gateway == "free":
        assert cost.commands <= polls * TOGETHER
    day = tidings.tally.read_many(names, now=tidings.clock.now())
    assert all(each["calls"] == POLLS + (name == f"{gateway}-0") for name, each in day.items())
    assert tidings.quota.used(gateway, tidings.clock.now()).calls == polls + 1
