"""What an account needs, the order in which that is shown, and what is concluded for all of them."""

from collections import Counter
from typing import Any

import pytest
from pydantic import SecretStr

from tasks.accounts import Account, Poll, QianmiAccount, QianmiGateway
from tasks.commands.accounts.standing import Standing, for_each_handled
from tasks.commands.status import ORDERS
from tasks.commands.status.attention import Attention, Need, Thresholds, attention
from tasks.commands.status.picture import Picture, spent
from tasks.commands.status.showing import MOST, ordered
from tasks.rules.circuit_breaker import WITHOUT_END, Pause
from tasks.store.quota import Used
from tasks.store.seen import Seen

NOW = 1_795_219_200.0
HOUR = 3600.0
LIMITS = Thresholds(open_batches=4, claim_seconds=23.0)
GATEWAY = QianmiGateway(name="qm", app_key="1", app_secret=SecretStr("invented"))


def shop(name: str = "shop", **fields: Any) -> Account:
    return QianmiAccount(name=name, gateway=GATEWAY, **fields)


def standing(name: str = "shop", **changes: Any) -> Standing:
    """An account that is polled as it should be, but for the changes."""
    usual = {"account": shop(name), "next_in": 3.0, "seen": Seen(NOW - 5, 0, 8.0)}
    return Standing(**{**usual, **changes, "today": Counter(changes.get("today", {}))})


def need(**changes: Any) -> Attention:
    return attention(standing(**changes), LIMITS, NOW)


EXPIRED = Pause(NOW + 600, "27: expired", "renew it")


def test_an_account_that_is_polled_needs_nothing() -> None:
    assert need() == Attention(Need.NOTHING)
    assert need(seen=None) == Attention(Need.NOTHING)


def test_a_pause_says_until_when_why_and_what_to_do() -> None:
    found = need(paused="account", pause=EXPIRED)
    assert (found.need, found.note) == (Need.PAUSED, "paused until 08:10:00 (10m): 27: expired; renew it")


def test_a_pause_that_lets_messages_grow_old_says_so() -> None:
    found = need(paused="account", pause=EXPIRED, seen=Seen(NOW - 7 * HOUR))
    assert "; not pulled for 7h: " in found.note
    assert found.weight > need(paused="account", pause=EXPIRED).weight


def test_a_persons_own_pause_needs_nobody_else() -> None:
    found = need(paused="account", pause=Pause(WITHOUT_END, "holiday", by_hand=True))
    assert (found.need, found.note) == (Need.NOTHING, "paused by hand: holiday")


def test_behind_a_paused_gateway_the_reason_stands_with_the_gateway() -> None:
    found = need(paused="gateway", pause=Pause(NOW + 600, "202: out of points", "buy some"))
    assert (found.need, found.note) == (Need.GATEWAY, "gateway paused until 08:10:00 (10m)")


@pytest.mark.parametrize(("hours", "expected"), [(5.9, Need.NOTHING), (6, Need.OLD), (30, Need.OLD)])
def test_messages_that_waited_six_hours_are_old(hours: float, expected: Need) -> None:
    assert need(seen=Seen(NOW - 5, 3, oldest=NOW - 5 - hours * HOUR, oldest_at=NOW - 5)).need is expected


def test_an_empty_pull_ends_what_was_old() -> None:
    assert need(seen=Seen(NOW - 5, 0, oldest=NOW - 9 * HOUR, oldest_at=NOW - 65)).need is Need.NOTHING


@pytest.mark.parametrize(("waiting", "expected"), [(None, Need.NOTHING), (99, Need.NOTHING), (100, Need.BACKLOG)])
def test_a_counter_that_counts_more_than_a_pull_brings_is_a_backlog(waiting: int | None, expected: Need) -> None:
    assert need(waiting=waiting).need is expected


@pytest.mark.parametrize(("batches", "expected"), [(3, Need.NOTHING), (4, Need.FULL), (5, Need.FULL)])
def test_as_many_open_batches_as_there_may_be_are_full(batches: int, expected: Need) -> None:
    assert need(open=batches).need is expected


@pytest.mark.parametrize(("next_in", "expected"), [(-9.0, Need.NOTHING), (-11.0, Need.OVERDUE), (None, Need.OVERDUE)])
def test_what_no_beat_sends_is_overdue(next_in: float | None, expected: Need) -> None:
    assert need(next_in=next_in).need is expected


@pytest.mark.parametrize(("ago", "expected"), [(105, Need.NOTHING), (107, Need.OVERDUE)])
def test_what_nobody_pulls_for_its_longest_interval_and_two_claims_is_overdue(ago: float, expected: Need) -> None:
    assert need(seen=Seen(NOW - ago, 0, 8.0)).need is expected
    assert need(seen=Seen(NOW - 3000, 0, 3600.0)).need is Need.NOTHING
    assert need(seen=Seen(NOW - ago, 0, 8.0), next_in=900.0).need is Need.NOTHING, "somebody has put it off"
    assert need(account=shop(poll=Poll(min=1, max=300)), seen=Seen(NOW - ago, 0, 8.0)).need is Need.NOTHING


def test_an_account_whose_calls_have_all_failed_is_told_so() -> None:
    found = need(seen=Seen(0.0, interval=8.0))
    assert (found.need, found.note) == (Need.OVERDUE, "no reply yet: its calls fail")
    assert standing(seen=Seen(0.0)).pulled is None


@pytest.mark.parametrize(
    ("at", "told"),
    [(0.0, "no reply yet: its calls fail: HTTP 503"), (NOW - 3600, "no reply for 60m, as calls fail: HTTP 503")],
)
def test_why_calls_fail_is_told_and_forgotten_with_the_next_reply(at: float, told: str) -> None:
    found = standing(seen=Seen(at, interval=8.0, failed="HTTP 503"))
    assert attention(found, LIMITS, NOW).note == told
    assert found.why == "HTTP 503"
    assert standing(seen=Seen(NOW)).why == ""


def everything() -> list[Standing]:
    return [
        standing("a"),
        standing("b", paused="gateway", pause=EXPIRED),
        standing("c", next_in=-99.0),
        standing("d", open=4),
        standing("e", waiting=500),
        standing("e2", waiting=5000),
        standing("f", seen=Seen(NOW, 1, oldest=NOW - 7 * HOUR, oldest_at=NOW)),
        standing("f2", seen=Seen(NOW, 1, oldest=NOW - 20 * HOUR, oldest_at=NOW)),
        standing("g", paused="account", pause=EXPIRED),
        standing("g2", paused="account", pause=EXPIRED, seen=Seen(NOW - 9 * HOUR)),
        standing("0", paused="account", pause=Pause(WITHOUT_END, "holiday", by_hand=True)),
    ]


def test_the_most_urgent_comes_first_and_the_rest_by_name() -> None:
    found = [(each, attention(each, LIMITS, NOW)) for each in everything()]
    names = [each.name for each, _ in ordered(found, "attention")]
    assert names == ["g2", "g", "f2", "f", "e2", "e", "d", "c", "b", "0", "a"]
    assert Picture(NOW, 11, found).needs == {
        Need.PAUSED: 2,
        Need.OLD: 2,
        Need.BACKLOG: 2,
        Need.FULL: 1,
        Need.OVERDUE: 1,
        Need.GATEWAY: 1,
    }


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("name", "abc"),
        ("rate", "bac"),
        ("pulled", "abc"),
        ("oldest", "bac"),
        ("waiting", "acb"),
        ("open", "cab"),
        ("calls", "bca"),
        ("points", "cab"),
        ("cost", "cba"),
    ],
)
def test_other_orders_have_the_most_first_and_what_is_not_known_last(order: str, names: str) -> None:
    some = [
        standing("c", seen=None, waiting=2, open=3, today={"calls": 5, "points": 9, "handled": 1}),
        standing("b", seen=Seen(NOW - 1, 1, 0, (), 0.5, NOW - 90, NOW - 1), today={"calls": 8, "handled": 4}),
        standing("a", seen=Seen(NOW - 2, 1, 0, (), 0.1, NOW - 80, NOW - 2), waiting=7, today={"calls": 3}),
    ]
    assert "".join(each.name for each, _ in ordered([(each, Attention(Need.NOTHING)) for each in some], order)) == names


def test_every_order_has_been_tried() -> None:
    assert ("attention", "name", *MOST) == ORDERS


def test_the_cost_of_a_useful_message_is_all_calls_and_points_by_what_was_handled() -> None:
    today = Counter({"calls": 40, "counts": 10, "points": 4, "handled": 20, "pulled": 25, "dead": 2})
    assert (for_each_handled(today, "calls"), for_each_handled(today, "points")) == (2.0, 0.2)


@pytest.mark.parametrize("today", [{}, {"calls": 30, "dead": 2}, {"calls": 3, "handled": 0}])
def test_without_a_useful_message_there_is_no_cost_of_one(today: dict[str, int]) -> None:
    assert for_each_handled(Counter(today), "calls") is None


def test_a_gateway_has_spent_what_it_was_counted_for_and_done_what_its_accounts_did() -> None:
    used = Used({"pull": 4, "confirm": 1, "count": 1}, points=8, held=3)
    accounts = [{"calls": 99, "handled": 2}, {"points": 99, "dead": 1, "pulled": 4}, {}]
    total = {"calls": 6, "points": 5, "pulled": 4, "handled": 2, "dead": 1}
    assert spent(used, map(Counter, accounts)) == total
