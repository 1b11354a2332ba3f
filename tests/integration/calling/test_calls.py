"""Calls under their gateway's limits, on a real Valkey: who is put off, what a ban holds, what is counted."""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks import app, confirm, consume, count, runtime, sending
from tasks.accounts import Account
from tasks.calling import calls, pausing
from tasks.calling.errors import NotNow
from tasks.calling.spent import gateway_pauses
from tasks.clock import next_midnight
from tasks.commands.accounts.listing import standings
from tasks.confirming import telling
from tasks.platforms import (
    BadRequest,
    Item,
    Keep,
    OutOfQuota,
    PlatformError,
    Reading,
    Reply,
    Throttled,
    Transient,
    Unauthorised,
)
from tasks.platforms.clients import client_for
from tasks.rules import allowance
from tasks.rules.allowance import limits_of
from tasks.rules.circuit_breaker import Pause
from tasks.runtime import Stores
from tasks.sandbox.control import Control
from tasks.store.polls import End, Learnt
from tasks.store.quota import PutOff

Configure = Callable[..., Account]

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
lease_seconds = 20
{limits}
[accounts.shop]
gateway = "tb"
session = "env:TB_SECRET"
[accounts.shop.counter]
topics = ["trade"]
[gateways.vv]
platform = "vvtool"
token = "env:TB_SECRET"
lease_seconds = 20
points_per_day = 20
[accounts.vshop]
gateway = "vv"
shop_id = "123"
"""


class FakePlatform:
    """Answers what it is told to, in turn, then pulls with one message and everything else with a success."""

    confirm_limit = 50

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.answers: list[Reply | PlatformError] = []
        self.id = 0

    def answer(self, api: str) -> Reply:
        self.calls.append(api)
        self.id += 1
        said = self.answers.pop(0) if self.answers else Reply((Item(str(self.id), str(self.id), "t", "{}"),), points=1)
        if isinstance(said, PlatformError):
            raise said
        return said

    def pull(self, account: Account, *, keep: Keep | None = None) -> Reply:
        return self.answer("pull")

    def confirm(self, account: Account, receipts: Sequence[str]) -> None:
        self.answer("confirm")

    def count(self, account: Account) -> tuple[Reading, ...]:
        self.answer("count")
        return (Reading("trade", 0),)


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> FakePlatform:
    fake = FakePlatform()
    for module in (consume, telling, count):
        monkeypatch.setattr(module, "client_for", lambda gateway: fake)
    return fake


@pytest.fixture
def configure(tidings: Stores, tmp_path: Path) -> Configure:
    """Writes the accounts file with limits for the gateway `tb`; returns one of its accounts."""
    tidings.due.seed({"shop": 1000, "vshop": 1000})
    tidings.counts.seed({"shop": 1000})

    def write(limits: str = "", account: str = "shop") -> Account:
        (tmp_path / "accounts.toml").write_text(ACCOUNTS.format(limits=limits))
        runtime.accounts_source.cache_clear()
        return runtime.accounts().accounts[account]

    return write


def ban(stores: Stores, **more: object) -> None:
    now = stores.clock.now()  # the one that the wait is told by
    stores.pauses.put("gateway", "tb", Pause(now + 60, "banned", **more), now=now)  # type: ignore[arg-type]


def test_a_pull_whose_turn_is_far_is_put_off_without_a_call(platform: FakePlatform, configure: Configure) -> None:
    shop = configure("calls_per_second = 0.1")
    consume.poll(shop)
    assert 1 < consume.poll(shop) < 60
    assert platform.calls == ["pull"]


def test_a_pull_whose_turn_is_near_waits_for_it(
    platform: FakePlatform, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    shop = configure("calls_per_second = 10")
    consume.poll(shop)
    consume.poll(shop)
    assert platform.calls == ["pull", "pull"]
    assert len(slept) <= 1
    assert all(0 < wait <= 0.1 for wait in slept)


def test_a_day_that_is_spent_is_not_called_and_said_once_until_the_limit_is_raised(
    platform: FakePlatform, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    shop = configure("calls_per_day = 2")
    consume.poll(shop)
    telling.tell(shop, "b1", ["1"])
    waits = [consume.poll(shop) for _ in range(3)]
    assert platform.calls == ["pull", "confirm"]
    until = next_midnight() - time.time()
    assert all(min(until, calls.LONGEST_WAIT / 2) <= wait <= min(until + 60, calls.LONGEST_WAIT) for wait in waits)
    said = [record.getMessage() for record in caplog.records if record.name == calls.__name__]
    assert len(said) == 1
    assert "gateways.tb.calls_per_day" in said[0]
    consume.poll(configure("calls_per_day = 4"))
    assert platform.calls == ["pull", "confirm", "pull"]


def test_a_day_that_is_spent_shows_as_a_pause_of_the_gateway_until_the_limit_is_raised(
    platform: FakePlatform, configure: Configure
) -> None:
    shop = configure("calls_per_day = 2")
    assert [each.pause for each in standings([shop], time.time())] == [None]
    consume.poll(shop)
    telling.tell(shop, "b1", ["1"])
    (standing,) = standings([shop], time.time())
    assert standing.paused == "gateway"
    assert "gateways.tb.calls_per_day" in standing.why
    (standing,) = standings([configure("calls_per_day = 4")], time.time())
    assert standing.pause is None


def test_a_longer_pause_of_the_gateway_shows_before_its_spent_day(
    platform: FakePlatform, configure: Configure, tidings: Stores
) -> None:
    shop, now = configure("calls_per_day = 1"), time.time()
    tidings.pauses.put("gateway", "tb", Pause(now + 3 * 86400, "mistake", by_hand=True), now=now)
    tidings.quota.take("tb", limits_of(shop.gateway), "confirm", "shop")
    assert gateway_pauses([shop.gateway], now)["tb"].reason == "mistake"
    tidings.pauses.put("gateway", "tb", Pause(now + 0.001, "mistake", by_hand=True), now=now)
    assert "calls_per_day" in gateway_pauses([shop.gateway], now)["tb"].reason


def test_a_confirm_waits_for_the_end_of_a_ban(platform: FakePlatform, configure: Configure, tidings: Stores) -> None:
    shop = configure()
    ban(tidings)
    came = telling.tell(shop, "b1", [str(number) for number in range(120)])
    assert platform.calls == []
    assert sorted(map(int, came.left)) == list(range(120))
    assert 50 < came.wait <= 60


def test_a_count_waits_for_the_end_of_a_ban(platform: FakePlatform, configure: Configure, tidings: Stores) -> None:
    configure()
    ban(tidings)
    count.count("shop")
    assert platform.calls == []


@pytest.mark.parametrize("more", [{"by_hand": True}, {"fingerprint": "0123456789abcdef"}])
def test_what_was_pulled_is_confirmed_under_a_pause_that_is_no_ban(
    platform: FakePlatform, configure: Configure, tidings: Stores, more: dict[str, object]
) -> None:
    shop = configure()
    ban(tidings, **more)
    assert telling.tell(shop, "b1", ["1"]) == telling.Came(["1"])
    assert platform.calls == ["confirm"]


BANS = [Throttled("This ban will last for 31 more seconds", seconds=31), OutOfQuota("spent", until=time.time() + 3600)]


@pytest.mark.parametrize("error", BANS)
def test_a_ban_named_to_a_confirm_holds_pulls_and_the_confirm_is_not_given_up(
    platform: FakePlatform, configure: Configure, error: PlatformError
) -> None:
    shop = configure()
    platform.answers = [error]
    came = telling.tell(shop, "b1", ["1"])
    assert (came.left, came.wait >= 30) == (["1"], True)
    assert consume.poll(shop) >= 29
    assert telling.tell(shop, "b1", ["1"]).left == ["1"]
    assert platform.calls == ["confirm"]


@pytest.mark.parametrize("error", BANS)
def test_a_ban_named_to_a_count_holds_pulls(platform: FakePlatform, configure: Configure, error: PlatformError) -> None:
    shop = configure()
    platform.answers = [error]
    count.count("shop")
    assert consume.poll(shop) >= 29
    assert platform.calls == ["count"]


def test_a_ban_that_begins_while_a_pull_sleeps_for_its_turn_holds_it(
    platform: FakePlatform, configure: Configure, tidings: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.answers = [Reply()]
    consume.poll(configure())
    monkeypatch.setattr(time, "sleep", lambda _: ban(tidings))
    monkeypatch.setattr(allowance, "LONGEST_SLEEP", 5.0)  # a turn in two seconds is near, and has not come meanwhile
    shop = configure("calls_per_second = 0.5")
    tidings.quota.take("tb", limits_of(shop.gateway), "pull", "other")
    assert 29 <= consume.poll(shop) <= 60
    assert platform.calls == ["pull"]


def test_a_confirm_is_made_after_the_ban_within_its_lease(
    platform: FakePlatform, configure: Configure, registered: Callable[..., object]
) -> None:
    configure()
    registered(handler)
    platform.answers = [Reply((Item("1", "1", "t", "{}"),)), Throttled("banned", seconds=1)]
    with start_worker(app, pool="threads", concurrency=3, perform_ping_check=False, loglevel=logging.CRITICAL):
        began = time.monotonic()
        sending.consume("shop")
        until(lambda: platform.calls.count("confirm") == 2)
        assert time.monotonic() - began >= 1


def handler(content: dict) -> None:  # type: ignore[type-arg]
    """Takes anything."""


def until(condition: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_every_call_counts_for_the_account_and_by_api_for_the_gateway(
    platform: FakePlatform, configure: Configure, tidings: Stores
) -> None:
    shop, now = configure(), time.time()
    consume.poll(shop)
    platform.answers = [Transient("cut"), Transient("cut"), Transient("cut")]
    consume.poll(shop)
    count.count("shop")
    assert telling.tell(shop, "b1", ["1"]).left == ["1"]
    telling.tell(shop, "b1", ["1"])
    count.count("shop")
    tally = tidings.tally.read_many(["shop"], now=now)["shop"]
    assert (tally["calls"], tally["confirms"], tally["counts"], tally["failures"]) == (6, 2, 2, 1)
    assert tidings.quota.used("tb", now).by_api == {"pull": 2, "confirm": 2, "count": 2}


def test_a_redis_that_takes_nothing_more_is_told_with_what_to_do(
    account: Account, caplog: pytest.LogCaptureFixture, redis: Redis
) -> None:
    """It said what the server had, with the line of a script of ours."""
    redis.config_set("maxmemory", 1)
    try:
        calls.tell_end(account, End("pull", "tb"), {"calls": 1})
    finally:
        redis.config_set("maxmemory", 0)
    assert "could not be noted: Redis is full: it has reached its maxmemory" in caplog.text
    assert "raise `maxmemory`" in caplog.text


def test_a_batch_that_needs_no_confirm_keeps_no_call(
    platform: FakePlatform, configure: Configure, tidings: Stores
) -> None:
    shop = configure("calls_per_day = 10")
    consume.poll(shop)
    assert tidings.quota.used("tb", time.time()).owed == 1
    telling.tell(shop, "b1", [])
    assert tidings.quota.used("tb", time.time()).owed == 0


@pytest.mark.parametrize("answer", [Reply(), Transient("cut"), Unauthorised("no", remedy="")])
def test_a_pull_without_messages_keeps_no_call(
    platform: FakePlatform, configure: Configure, tidings: Stores, answer: Reply | PlatformError
) -> None:
    platform.answers = [answer]
    consume.poll(configure("calls_per_day = 10"))
    used = tidings.quota.used("tb", time.time())
    assert (used.calls, used.owed) == (1, 0)


def test_a_batch_that_was_not_confirmed_in_time_keeps_no_call(
    platform: FakePlatform, configure: Configure, tidings: Stores
) -> None:
    shop = configure("calls_per_day = 10")
    consume.poll(shop)
    platform.answers = [Transient("cut")]
    confirm.confirm([("1", "handled")], "shop", "b1", time.time() - 21, 20.0)
    assert tidings.quota.used("tb", time.time()).owed == 0


@pytest.mark.parametrize(
    ("error", "points"),
    [(Transient("cut"), 5), (Throttled("202", seconds=1), 0), (Unauthorised("302", remedy="authorise"), 0)],
)
def test_points_of_a_failed_call_stay_set_aside_unless_the_platform_refused_it(
    platform: FakePlatform, configure: Configure, tidings: Stores, error: PlatformError, points: int
) -> None:
    shop = configure(account="vshop")
    platform.answers = [Reply(points=5), error]
    consume.poll(shop)
    consume.poll(shop)
    used = tidings.quota.used("vv", time.time())
    assert (used.points, used.held) == (5 + points, 0)


def test_an_account_whose_day_is_spent_is_looked_at_within_the_lease_of_what_its_inbox_holds(
    platform: FakePlatform, configure: Configure, tidings: Stores
) -> None:
    shop = configure(account="vshop")
    platform.answers = [Reply(points=20)]
    consume.poll(shop)
    assert consume.poll(shop) > 20
    tidings.inbox.keep("vshop", "b1", b"{}", 15)
    assert consume.poll(shop) == 20
    assert platform.calls == ["pull"]


def test_a_redis_that_is_away_when_a_call_ends_costs_no_reply(
    platform: FakePlatform, configure: Configure, tidings: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell, failures = tidings.polls.tell, [RedisConnectionError("away")]

    def away_at_first(learnt: Learnt) -> object:
        if failures:
            raise failures.pop()
        return tell(learnt)

    shop = configure()
    monkeypatch.setattr(tidings.polls, "tell", away_at_first)
    consume.poll(shop)
    assert redis.llen("tidings:handle") == 1
    assert not failures


def test_a_call_that_ends_has_the_next_in_line_called(
    platform: FakePlatform, configure: Configure, tidings: Stores, redis: Redis
) -> None:
    shop, others = configure("calls_per_second = 10"), itertools.count()

    def put_off() -> bool:
        return isinstance(tidings.quota.take("tb", limits_of(shop.gateway), "pull", f"other {next(others)}"), PutOff)

    until(put_off)
    until(partial(has_confirmed, shop))
    until(lambda: redis.llen("tidings:consume"))


def has_confirmed(shop: Account) -> bool:
    try:
        with calls.call(shop, "confirm"):
            return True
    except NotNow:
        return False


@pytest.fixture
def against_sandbox(configure: Configure, sandbox: Control) -> Account:
    """An account of a gateway with ten calls a second, at a sandbox that allows as many."""
    sandbox.app("taobao", app_key="12345678", calls_per_second=10)
    return configure(f'url = "{sandbox.url}/router/rest"\ncalls_per_second = 10')


@pytest.mark.parametrize("stall", [0.0, 1.9])
def test_eight_threads_together_are_never_refused(
    against_sandbox: Account, sandbox: Control, tidings: Stores, monkeypatch: pytest.MonkeyPatch, stall: float
) -> None:
    """Also where the answers of a Redis that is far away stall, for longer than a call counts that is not heard of."""
    take, stalls = tidings.quota._take, time.monotonic() + 1

    def far(*args: Any, **options: Any) -> Any:
        late = stall * (time.monotonic() < stalls)
        answer = take(*args, **options)
        time.sleep(late)
        return answer

    monkeypatch.setattr(tidings.quota, "_take", far)
    refused: list[PlatformError] = []
    ends = time.monotonic() + (5 if stall else 3)

    def pull_for_ever(number: int) -> None:
        while time.monotonic() < ends:
            try:
                with calls.call(against_sandbox.model_copy(update={"name": f"shop {number}"}), "pull"):
                    client_for(against_sandbox.gateway).pull(against_sandbox)
            except NotNow as put_off:
                time.sleep(min(0.1, put_off.wait))
            except PlatformError as error:
                refused.append(error)

    threads = [threading.Thread(target=pull_for_ever, args=(number,)) for number in range(32 if stall else 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []
    assert sum(row["code"] == "ok" for row in sandbox.calls()) >= 10


def test_a_ban_of_a_second_does_not_shorten_that_of_a_spent_day(
    platform: FakePlatform, configure: Configure, tidings: Stores
) -> None:
    shop, midnight = configure(), time.time() + 3600
    platform.answers = [OutOfQuota("spent", until=midnight)]
    consume.poll(shop)
    assert pausing.heed(shop, Throttled("banned", seconds=1)) >= 29
    _, pause = tidings.pauses.get("shop", "tb")
    assert pause is not None
    assert pause.until == midnight


def test_a_confirm_that_is_narrowed_down_frees_its_own_call_and_no_other_batchs(
    platform: FakePlatform, configure: Configure, tidings: Stores
) -> None:
    shop = configure("calls_per_day = 100")
    for _ in range(3):
        tidings.quota.take("tb", limits_of(shop.gateway), "pull", "shop")
    assert tidings.quota.used("tb", time.time()).owed == 3
    refused = BadRequest("41: one of these ids")
    platform.answers = [refused, Reply(), refused, Reply(), refused]
    came = telling.tell(shop, "b1", ["1", "2", "3", "4"])
    assert (len(came.taken), came.refused) == (3, ["1"])
    assert tidings.quota.used("tb", time.time()).owed == 2


def test_a_throttle_without_a_time_is_longer_each_time_until_a_pull_is_answered(
    platform: FakePlatform, configure: Configure, tidings: Stores
) -> None:
    shop, busy, now = configure(), Throttled("busy", seconds=1, named=False), time.time()
    tidings.pauses.put("gateway", "tb", Pause(now - 1, "busy", probes=3), now=now - 9)
    assert 7 < pausing.heed(shop, busy) <= 8
    tidings.pauses.end("gateway", "tb")
    tidings.pauses.put("gateway", "tb", Pause(now - 1, "busy", probes=3), now=now - 9)
    consume.poll(shop)
    assert pausing.heed(shop, busy) <= 1
