"""A bad release does not bury everything; one bad message now and then is nothing."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from handlers import Message, Reject, Retry
from handlers.trade import TradeBuyerPay
from tasks.accounts import Account
from tasks.handle import deliver
from tasks.handling import burying
from tasks.platforms.base import Spoilt
from tasks.rules.circuit_breaker import FROM_DEAD, FROM_DEAD_OF_ALL
from tasks.runtime import Stores
from tasks.settings import settings
from tests.integration.test_handle import delivery, one_try

Register = Callable[..., object]


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    burying.well().clear()


def outcomes(count: int) -> list[str]:
    """What becomes of so many messages, each new."""
    return [deliver(delivery(names=("app", str(n)), id=str(n))) for n in range(count)]


def test_a_release_that_rejects_everything_pauses_the_account_and_buries_no_more(
    tidings: Stores, registered: Register
) -> None:
    def on_any(content: dict[str, Any]) -> None:
        raise Reject("a mistake in the new release")

    registered(on_any)
    ended = outcomes(60)
    assert ended == ["dead"] * FROM_DEAD + ["failed"] * (60 - FROM_DEAD)
    assert len(tidings.letters) == FROM_DEAD
    pause, _ = tidings.pauses.get("shop", "tb")
    assert pause is not None
    assert pause.until > time.time() + 300
    assert "21 of the latest 21 messages would be buried" in pause.reason
    assert "accounts resume shop" in pause.remedy


def test_poison_among_many_good_messages_is_buried_without_a_pause(tidings: Stores, registered: Register) -> None:
    def on_any(content: dict[str, Any], message: Message) -> None:
        if int(message.id) % 4 == 0:
            raise Reject("poison")

    registered(on_any)
    ended = outcomes(200)
    assert ended.count("dead") == 50
    assert tidings.pauses.get("shop", "tb") == (None, None)


def test_messages_left_by_the_guard_are_handled_once_the_release_is_mended(
    tidings: Stores, registered: Register
) -> None:
    broken = True

    def on_any(content: dict[str, Any]) -> None:
        if broken:
            raise Reject("a mistake")

    registered(on_any)
    left = [n for n, outcome in enumerate(outcomes(40)) if outcome == "failed"]
    broken = False
    again = [deliver(delivery(batch="b2", names=("app", str(n)), id=str(n))) for n in left]
    assert again == ["handled"] * 20


def test_old_deliveries_count_less_and_less(tidings: Stores) -> None:
    tidings.recent.add("shop", well=2000)
    well, dead = tidings.recent.add("shop", dead=1)
    assert (well, dead) == (1000, 1)
    tidings.recent.clear("shop")
    assert tidings.recent.add("shop", dead=1) == (0, 1)


def test_so_does_one_that_never_reaches_what_it_needs(
    tidings: Stores, registered: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a webhook whose address answers 404, or nobody answers at: its messages are left first, and buried in the end."""
    monkeypatch.setenv("TIDINGS_MAX_DELIVERIES", "2")
    settings.cache_clear()

    def on_any(content: dict[str, Any]) -> None:
        raise Retry("http://shop.example answered 404")

    registered(on_any)
    with one_try():
        ended = [
            deliver(delivery(names=("app", str(n)), id=str(n), batch=batch))
            for batch in ("b1", "b2", "b3")
            for n in range(30)
        ]
    assert ended[:30] == ["failed"] * 30
    assert ended[30:60] == ["dead"] * FROM_DEAD + ["failed"] * 10
    assert ended[60:] == ["duplicate"] * FROM_DEAD + ["failed"] * 10
    assert tidings.pauses.get("shop", "tb")[0] is not None


def of(account: str, count: int) -> list[str]:
    """What becomes of so many messages of an account, each new."""
    return [
        deliver(delivery(account=account, names=("app", f"{account}-{n}"), id=f"{account}-{n}")) for n in range(count)
    ]


def test_what_is_wrong_for_all_accounts_does_not_bury_some_of_each(tidings: Stores, registered: Register) -> None:
    """As an address that a webhook is posted to, and that is wrong: with a thousand accounts, 20 of each are 20,000."""

    def on_any(content: dict[str, Any]) -> None:
        raise Reject("422")

    registered(on_any)
    for number in range(30):
        of(f"shop-{number}", 12)
    assert len(tidings.letters) == FROM_DEAD_OF_ALL
    pause, _ = tidings.pauses.get("shop-29", "tb")
    assert pause is not None
    assert "201 of the latest 201 messages of all accounts would be buried" in pause.reason
    assert tidings.pauses.get("shop-2", "tb") == (None, None)
    tidings.recent.clear("shop-29")
    assert of("shop-99", 1) == ["dead"]


def test_a_few_bad_accounts_do_not_stop_another_ones_bad_message_from_being_buried(
    tidings: Stores, registered: Register
) -> None:
    def on_any(content: dict[str, Any]) -> None:
        raise Reject("poison")

    registered(on_any)
    for number in range(5):
        assert of(f"bad-{number}", 30).count("dead") == FROM_DEAD
    assert of("good", 1) == ["dead"]
    assert tidings.pauses.get("good", "tb") == (None, None)


def test_the_ratio_is_a_setting() -> None:
    assert settings().max_dead_ratio == 0.5


def test_a_letter_knows_what_kind_of_fault_it_is(
    tidings: Stores, registered: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDINGS_MAX_DELIVERIES", "1")
    monkeypatch.setenv("TIDINGS_UNHANDLED", "bury")
    settings.cache_clear()

    def on_any(trade: TradeBuyerPay, message: Message) -> None:
        raise {"1": Reject, "2": KeyError, "3": SoftTimeLimitExceeded}[message.id]("no")

    registered(on_any, "known")
    given = {"1": ("known", '{"tid": 1}'), "4": ("known", "{"), "5": ("other", "")}
    for id_ in "12345":
        topic, content = given.get(id_, given["1"])
        with one_try():
            assert deliver(delivery(names=("app", id_), id=id_, topic=topic, content=content)) == "dead"
    told = {letter.item.id: letter.kind for letter in tidings.letters.all()}
    assert told == {"1": "rejected", "2": "failed", "3": "failed", "4": "unfit", "5": "unhandled"}


def test_an_item_that_nobody_can_confirm_counts_once(tidings: Stores, account: Account) -> None:
    """It comes again with every lease, and stops nobody."""
    spoilt = Spoilt("", '{"id":null}', "the id is missing")
    assert [burying.item(account, spoilt) for _ in range(3 * FROM_DEAD)] == ["dead"] * 3 * FROM_DEAD
    assert len(tidings.letters) == 1
    assert tidings.pauses.get("shop", "tb") == (None, None)


def test_too_many_items_that_cannot_be_read_are_not_put_down_to_handlers(tidings: Stores, account: Account) -> None:
    ended = [burying.item(account, Spoilt(str(n), "{}", "the topic is missing")) for n in range(30)]
    assert ended == ["dead"] * FROM_DEAD + ["failed"] * 10
    pause, _ = tidings.pauses.get("shop", "tb")
    assert pause is not None
    assert pause.remedy == (
        "see what the platform has sent, with celery -A tasks letters list --account shop, "
        "then: celery -A tasks accounts resume shop"
    )
