"""What a gateway's limits come to as numbers, when they are reached, and what a message costs. No I/O."""

from datetime import datetime, timedelta, timezone

import pytest

from tasks.accounts import QianmiGateway, TaobaoGateway, VvtoolGateway
from tasks.calling.spent import spent
from tasks.clock import day_number
from tasks.rules.allowance import CONFIRM_SLEEP, LONGEST_SLEEP, Limits, limits_of
from tasks.rules.circuit_breaker import Pause, ask_again, outlasts
from tasks.store.quota import APIS, Used

GMT8 = timezone(timedelta(hours=8))
NOON = datetime(2026, 11, 21, 12, tzinfo=GMT8).timestamp()
MIDNIGHT = NOON + 12 * 3600


def taobao(calls_per_day: int | None = None) -> TaobaoGateway:
    return TaobaoGateway(name="tb", app_key="1", app_secret="s", calls_per_day=calls_per_day)


def vvtool(points_per_day: int | None = None) -> VvtoolGateway:
    return VvtoolGateway(name="vv", token="t", points_per_day=points_per_day)


@pytest.mark.parametrize(
    ("per_second", "calls", "span"), [(10, 10, 1), (2.5, 2, 1), (1, 1, 1), (0.5, 1, 2), (0.01, 1, 100), (1000, 1000, 1)]
)
def test_a_limit_a_second_is_so_many_calls_in_a_span(per_second: float, calls: int, span: float) -> None:
    pace = Limits(calls_per_second=per_second)
    assert (pace.calls, pace.span) == (calls, span)
    assert pace.interval == pytest.approx(span / calls)


@pytest.mark.parametrize("per_second", [0.1, 1, 5, 10, 100, 1000])
def test_pulls_sleep_shortly_and_few_at_a_time(per_second: float) -> None:
    pace = Limits(calls_per_second=per_second)
    assert pace.patience("pull") == pace.patience("count") <= LONGEST_SLEEP < pace.patience("confirm") == CONFIRM_SLEEP
    if per_second <= 20:
        assert pace.patience("pull") / pace.interval <= 3


def test_without_a_limit_a_second_nothing_is_paced() -> None:
    assert (Limits().calls, Limits().interval, Limits().ahead) == (0, 0, 0)


def test_a_pull_needs_the_call_that_confirms_its_messages() -> None:
    assert [limits_of(taobao()).needs(api) for api in APIS] == [2, 1, 1]
    assert limits_of(QianmiGateway(name="qm", app_key="1", app_secret="s")).needs("pull") == 2


def test_what_vvtool_sent_is_confirmed_without_a_call() -> None:
    found = limits_of(vvtool(500))
    assert (found.needs("pull"), found.points_per_day, found.calls_per_second) == (1, 500, 10)


def test_a_day_is_the_platforms() -> None:
    assert day_number(MIDNIGHT) == day_number(MIDNIGHT - 1) + 1
    assert day_number(NOON) == day_number(MIDNIGHT - 1)


def test_a_gateway_that_has_made_its_calls_shows_as_paused_until_its_midnight() -> None:
    pause = spent(taobao(100), Used({"pull": 60, "confirm": 30, "count": 9}), NOON)
    assert pause is not None
    assert MIDNIGHT <= pause.until <= MIDNIGHT + 60
    assert "gateways.tb.calls_per_day" in pause.reason
    assert "100" in pause.reason
    assert "gateways.tb.calls_per_day" in pause.remedy
    assert not pause.by_hand


def test_a_gateway_with_calls_left_for_a_pull_and_its_confirm_does_not() -> None:
    assert spent(taobao(100), Used({"pull": 98}), NOON) is None
    assert spent(taobao(101), Used({"pull": 99}), NOON) is None
    assert spent(taobao(), Used({"pull": 10**9}), NOON) is None


def test_points_are_used_up_when_the_dearest_call_does_not_fit_any_more() -> None:
    assert spent(vvtool(500), Used({}, points=490, dearest=10), NOON) is None
    pause = spent(vvtool(500), Used({}, points=491, dearest=10), NOON)
    assert pause is not None
    assert "points_per_day" in pause.reason
    assert spent(vvtool(500), Used({}, points=500, held=10, dearest=10), NOON) is None


@pytest.mark.parametrize(("accounts", "seconds"), [(1, 30), (3_000, 30), (100_000, 1_000)])
def test_paused_accounts_are_looked_at_a_hundred_times_a_second_at_the_most(accounts: int, seconds: float) -> None:
    assert ask_again(accounts) == seconds


def test_a_longer_ban_outlasts_a_shorter_one_but_not_what_a_person_has_to_mend() -> None:
    spent, banned = Pause(MIDNIGHT, "spent"), Pause(NOON + 1, "banned")
    assert outlasts(spent, banned)
    assert not outlasts(banned, spent)
    assert not outlasts(spent, Pause(NOON + 60, "no permission", fingerprint="0123456789abcdef"))
    assert not outlasts(Pause(MIDNIGHT, "no permission", fingerprint="0123456789abcdef"), banned)
    assert not outlasts(Pause(MIDNIGHT, "paused by hand", by_hand=True), banned)
