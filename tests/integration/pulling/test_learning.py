"""What pulls teach, and the plan of a gateway that has a quota: on a real Valkey, with the calls' outcome given by hand."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tasks import runtime
from tasks.accounts import Account
from tasks.clock import DAY, SHANGHAI, day_left
from tasks.platforms.base import Item, Reply
from tasks.platforms.errors import Transient
from tasks.pulling import learning, planner
from tasks.rules.circuit_breaker import WITHOUT_END, Pause
from tasks.runtime import Stores

Write = Callable[[str], dict[str, Account]]

GATEWAY = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
{limits}
"""
ACCOUNT = """
[accounts.shop-{n}]
gateway = "tb"
poll = {{ min = 1, max = 600 }}
"""


@pytest.fixture
def shops(tidings: Stores, tmp_path: Path) -> Write:
    """Ten accounts behind a gateway with these limits."""

    def write(limits: str) -> dict[str, Account]:
        accounts = "".join(ACCOUNT.format(n=n) for n in range(10))
        (tmp_path / "accounts.toml").write_text(GATEWAY.format(limits=limits) + accounts)
        runtime.accounts_source.cache_clear()
        planner.plans_read.cache_clear()
        return dict(runtime.accounts().accounts)

    return write


def reply(count: int, age: float = 0.0) -> Reply:
    at = datetime.now(SHANGHAI) - timedelta(seconds=age)
    return Reply(
        tuple(Item(str(n), str(n), "t", "{}", pub_time=at.strftime("%Y-%m-%d %H:%M:%S")) for n in range(count))
    )


def pull(stores: Stores, account: Account, got: Reply, at: float) -> float:
    """A pull at this time, of which is kept what it teaches; in how many seconds the next one follows."""
    seen = learning.after_pull(account, got, at, stores.seen.get(account.name))
    stores.seen.put(account.name, seen)
    return seen.interval


def test_without_limits_the_wait_grows_from_the_shortest_to_the_longest(shops: Write, tidings: Stores) -> None:
    shop = shops("")["shop-0"]
    waits = [pull(tidings, shop, reply(got), time.time()) for got in (100, 3, 0, 0, 0)]
    assert waits == [0, 1, 2, 4, 8]
    assert planner.current(shop.gateway) is None
    assert tidings.seen.many(["shop-0"])["shop-0"].interval == 8


@pytest.mark.parametrize(("calls", "shortest"), [(100_000, 0), (6, 60)])
def test_of_a_quota_that_is_smaller_than_the_accounts_no_account_takes_all(
    shops: Write, tidings: Stores, calls: int, shortest: float
) -> None:
    """One that has more waiting took every call, one after the other."""
    shop = shops(f"calls_per_day = {calls}")["shop-0"]
    wait = pull(tidings, shop, reply(100), time.time())
    assert wait >= shortest
    assert bool(wait) is bool(shortest)


def test_failed_calls_are_followed_by_longer_waits_and_change_nothing_that_was_learnt(
    shops: Write, tidings: Stores
) -> None:
    shop = shops("")["shop-0"]
    pull(tidings, shop, reply(3), time.time() - 50)
    before = tidings.seen.get("shop-0")
    after, intervals = before, []
    for _ in range(3):
        after = learning.after_failure(shop, after, Transient("HTTP 503"))
        intervals.append(after.interval)
    assert intervals == [2, 4, 8]
    assert before
    assert after
    assert (after.rate, after.at, after.got) == (before.rate, before.at, before.got)
    assert after.failed == "HTTP 503"
    assert learning.after_pull(shop, reply(0), time.time(), after).failed == ""


def test_with_a_quota_a_busy_account_is_pulled_more_often_than_an_idle_one(shops: Write, tidings: Stores) -> None:
    left = day_left(time.time())  # of a day's quota late in the day there is more than anybody needs
    known = shops(f"calls_per_day = {max(20, round(2000 * left / DAY))}")
    start = time.time() - 3600
    for minute in range(60):
        pull(tidings, known["shop-0"], reply(20), start + 60 * minute)
        pull(tidings, known["shop-1"], reply(0), start + 60 * minute)
    planner.plans_read.cache_clear()
    busy = pull(tidings, known["shop-0"], reply(20), time.time())
    idle = pull(tidings, known["shop-1"], reply(0), time.time())
    assert 1 < busy < idle / 4
    plan = planner.current(known["shop-0"].gateway)
    assert plan
    assert 0 < plan.calls <= 2000 / 3600


def test_what_is_left_of_the_day_is_what_is_planned(shops: Write, tidings: Stores) -> None:
    known = shops("calls_per_day = 100000")
    first = planner.current(known["shop-0"].gateway)
    planned = tidings.plans.get("tb")
    used = tidings.quota.used
    tidings.plans.put("tb", type(planned)())
    planner.plans_read.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(tidings.quota), "used", lambda *_: type(used("tb", 0))({"pull": 99_990}))
        second = planner.current(known["shop-0"].gateway)
    assert first
    assert second
    assert second.calls < first.calls / 100


def test_a_paused_account_takes_nothing_of_the_plan(shops: Write, tidings: Stores) -> None:
    gateway = shops("calls_per_day = 100")["shop-0"].gateway
    everybody = len(list(planner.demands(gateway, time.time())))
    tidings.pauses.put("account", "shop-3", Pause(WITHOUT_END, "by hand", by_hand=True), now=time.time())
    assert everybody == 10
    assert len(list(planner.demands(gateway, time.time()))) == 9


def test_one_worker_plans_and_the_others_read(shops: Write, tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = shops("calls_per_day = 5000")["shop-0"].gateway
    made: list[str] = []
    renew = planner.renew

    def noted(*given: object) -> object:
        made.append("plan")
        return renew(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(planner, "renew", noted)
    scales = []
    for _ in range(3):
        planner.plans_read.cache_clear()  # as in another process
        plan = planner.current(gateway)
        scales.append(plan.scale if plan else 0.0)
    assert made == ["plan"]
    assert 0 < scales[0] == pytest.approx(scales[1], rel=1e-3) == scales[2]


def test_a_gateway_that_is_gone_leaves_no_plan(shops: Write, tidings: Stores) -> None:
    planned = tidings.plans.get("tb")
    tidings.plans.put("gone", planned)
    planner.current(shops("calls_per_day = 5000")["shop-0"].gateway)
    assert tidings.plans.redis.hkeys("tidings:plans") == ["tb"]


def test_an_old_message_is_warned_of_once(shops: Write, tidings: Stores, caplog: pytest.LogCaptureFixture) -> None:
    shop = shops("")["shop-0"]
    for _ in range(3):
        pull(tidings, shop, reply(2, age=7 * 3600), time.time())
    warned = [record for record in caplog.records if record.name == "tasks.pulling.learning"]
    assert ["its oldest message waited 7.0 h" in record.getMessage() for record in warned] == [True]
    seen = tidings.seen.get("shop-0")
    assert seen
    assert seen.oldest_age == pytest.approx(7 * 3600, abs=5)
