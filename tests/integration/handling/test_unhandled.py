"""A topic that nobody handles: counted, warned of, and then confirmed, left or buried as it is set."""

import logging
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

import pytest
from redis import Redis

from handlers import Message, Registry
from tasks import clock, dispatch, runtime
from tasks.accounts import Account
from tasks.handle import deliver, handle
from tasks.handling import asked, burying, others, unhandled
from tasks.handling.delivery import names
from tasks.platforms import Item, Reply
from tasks.plumbing import fanout
from tasks.rules.circuit_breaker import FROM_DEAD
from tasks.rules.lease import Batch
from tasks.rules.registries import Entry, fingerprint
from tasks.runtime import Stores
from tasks.settings import SettingsError, settings
from tasks.store.presence import Presence
from tests.integration.test_handle import delivery

Register = Callable[..., Registry]

TOPIC = "taobao_trade_TradeBuyerPay"


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    unhandled._warned.clear()
    burying.well().clear()


@pytest.fixture
def mode(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def put(value: str) -> None:
        monkeypatch.setenv("TIDINGS_UNHANDLED", value)
        settings.cache_clear()

    return put


def nobody(content: dict[str, Any]) -> None:
    pytest.fail("called for a topic of somebody else")


def unhandled_of(stores: Stores) -> tuple[int, int]:
    """How many messages nobody handled today: of the topic, and of the account."""
    topics = stores.topics.read(now=clock.now())
    today = stores.tally.read_many(["shop"], now=clock.now())["shop"]
    return topics.get(TOPIC, {}).get("unhandled", 0), today.get("unhandled", 0)


@pytest.mark.parametrize(("value", "outcome"), [("confirm", "ignored"), ("leave", "failed"), ("bury", "dead")])
def test_it_is_counted_by_topic_and_account_and_ends_as_set(
    tidings: Stores, registered: Register, mode: Callable[[str], None], value: str, outcome: str
) -> None:
    mode(value)
    registered(nobody, "taobao_trade_TradeBuyerPayd")
    ended = [deliver(delivery(names=("app", str(n)), id=str(n))) for n in range(3)]
    assert ended == [outcome] * 3
    assert unhandled_of(tidings) == (3, 3)
    assert len(tidings.letters) == (3 if value == "bury" else 0)
    assert tidings.pauses.get("shop", "tb") == (None, None)


def test_what_is_left_meets_the_handler_that_is_there_when_it_comes_again(
    tidings: Stores, registered: Register, mode: Callable[[str], None]
) -> None:
    mode("leave")
    seen: list[Message] = []

    def on_paid(content: dict[str, Any], message: Message) -> None:
        seen.append(message)

    registry = registered(nobody, "other")
    assert [deliver(delivery(batch=f"b{number}")) for number in range(9)] == ["failed"] * 9
    registry.handles(TOPIC)(on_paid)
    assert deliver(delivery(batch="again")) == "handled"
    assert [message.deliveries for message in seen] == [1]


def test_a_letter_says_that_no_handler_took_it_and_too_many_of_them_pause_the_account(
    tidings: Stores, registered: Register, mode: Callable[[str], None]
) -> None:
    mode("bury")
    registered(nobody, "other")
    ended = [deliver(delivery(names=("app", str(n)), id=str(n))) for n in range(30)]
    assert ended == ["dead"] * FROM_DEAD + ["failed"] * (30 - FROM_DEAD)
    assert {letter.reason for letter in tidings.letters.all()} == {f"no handler takes its topic {TOPIC}"}
    assert tidings.pauses.get("shop", "tb")[0] is not None


@pytest.mark.parametrize("value", ["drop", "Confirm", "1"])
def test_another_word_is_refused_with_those_that_there_are(
    tidings: Stores, mode: Callable[[str], None], value: str
) -> None:
    mode(value)
    with pytest.raises(SettingsError, match=r"TIDINGS_UNHANDLED: .*'confirm', 'leave' or 'bury'"):
        settings()
    mode("confirm")


def test_a_topic_is_warned_of_once_an_hour_by_all_processes_together(
    tidings: Stores, registered: Register, caplog: pytest.LogCaptureFixture, redis: Redis
) -> None:
    registered(nobody, "taobao_trade_TradeBuyerPayd")
    for _another_process in range(2):
        for number in range(5):
            deliver(delivery(names=("app", str(number)), id=str(number)))
        unhandled._warned.clear()
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert f"shop {TOPIC} 0: nobody handles this topic" in record.message
    assert "one is registered for taobao_trade_TradeBuyerPayd: a slip?" in record.message
    assert "TIDINGS_UNHANDLED=confirm" in record.message
    [told] = redis.scan_iter("tidings:told:*")
    assert 0 < redis.ttl(told) <= 3600


def test_a_replay_of_a_topic_without_a_handler_keeps_its_letter_and_counts_nothing(
    tidings: Stores, registered: Register, mode: Callable[[str], None]
) -> None:
    mode("bury")
    registered(nobody, "other")
    assert deliver(delivery(letter="5bcee8d294fe1702")) == "ignored"
    assert unhandled_of(tidings) == (0, 0)


def test_topics_of_any_garbage_are_counted(tidings: Stores, registered: Register) -> None:
    registered(nobody, "other")
    for topic in ("", "\ud800", "x" * 10_000, "\x1b[2J\n"):
        assert deliver(delivery(topic=topic)) == "ignored"
    assert sum(found["unhandled"] for found in tidings.topics.read(now=clock.now()).values()) == 4


# Short names


@pytest.fixture
def handed_out(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The deliveries that dispatch hands out."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(
        fanout, "start", lambda _task, headers, *_: found.extend(each.given["delivery"] for each in headers)
    )
    return found


def batch_of(account: Account) -> Batch:
    return Batch(account.name, "b1", clock.now(), 20.0)


def short(*ids: int, topic: str = "TradeCreate") -> tuple[Item, ...]:
    return tuple(Item(receipt=str(id_), id=str(id_), topic=topic, content="{}") for id_ in ids)


def test_a_short_name_is_handled_and_counted_as_the_full_one(
    vshop: Account, tidings: Stores, registered: Register, handed_out: list[dict[str, Any]]
) -> None:
    seen: list[str] = []

    def on_created(content: dict[str, Any], message: Message) -> None:
        seen.append(message.topic)

    registered(on_created, "taobao_trade_TradeCreate")
    dispatch.start(vshop, batch_of(vshop), Reply((*short(1), *short(2, topic="taobao_trade_TradeCreate"))))
    assert [handle(delivery=fields)[:2] for fields in handed_out] == [("1", "handled"), ("2", "handled")]
    assert seen == ["taobao_trade_TradeCreate"] * 2
    assert tidings.topics.read(now=clock.now()) == {"taobao_trade_TradeCreate": {"seen": 2}}


def test_the_same_message_under_both_names_is_handled_once(
    vshop: Account, tidings: Stores, registered: Register, handed_out: list[dict[str, Any]]
) -> None:
    registered(lambda content: None, "taobao_trade_TradeCreate")
    dispatch.start(vshop, batch_of(vshop), Reply(short(1)))
    dispatch.start(vshop, batch_of(vshop), Reply(short(1, topic="taobao_trade_TradeCreate")))
    assert [handle(delivery=fields)[1] for fields in handed_out] == ["handled", "duplicate"]


def test_what_an_earlier_version_handled_under_the_short_name_is_known(
    vshop: Account, tidings: Stores, registered: Register, handed_out: list[dict[str, Any]]
) -> None:
    registered(nobody, "taobao_trade_TradeCreate")
    for its in names(vshop, short(1)):
        tidings.marks.finish(its)
    dispatch.start(vshop, batch_of(vshop), Reply(short(1, 2)))
    assert [fields["id"] for fields in handed_out] == ["2"]


def test_a_short_name_in_an_old_task_or_letter_meets_its_handler(tidings: Stores, registered: Register) -> None:
    seen: list[str] = []

    def on_created(content: dict[str, Any], message: Message) -> None:
        seen.append(message.topic)

    registered(on_created, "taobao_trade_TradeCreate")
    assert handle(delivery=delivery(topic="TradeCreate", platform="vvtool").to_json())[1] == "handled"
    assert seen == ["taobao_trade_TradeCreate"]


def test_a_short_name_that_fits_several_is_warned_of_and_taken_for_none(
    vshop: Account,
    tidings: Stores,
    registered: Register,
    handed_out: list[dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry = registered(nobody, "taobao_trade_TradeCreate")
    registry.handles("taobao_fuwu_TradeCreate")(nobody)
    dispatch.start(vshop, batch_of(vshop), Reply(short(1, 2)))
    assert [handle(delivery=fields)[1] for fields in handed_out] == ["ignored", "ignored"]
    both = "taobao_fuwu_TradeCreate or taobao_trade_TradeCreate"
    assert [both in record.message for record in caplog.records] == [True, True]
    assert "taken for none of them" in caplog.records[0].message


@pytest.fixture
def without_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are handed out by a worker that only pulls and confirms; handlers are imported only where some run."""
    monkeypatch.setattr(asked, "takes", lambda _task: False)
    monkeypatch.setattr(asked, "registry", lambda: pytest.fail("a worker without handlers imports them"))


@pytest.mark.parametrize(
    ("topics", "came", "full"),
    [
        ([], "TradeCreate", "taobao_trade_TradeCreate"),
        (["taobao_own_Event"], "Event", "taobao_own_Event"),
        (["TradeCreate", "taobao_trade_TradeCreate"], "TradeCreate", "TradeCreate"),
        (["taobao_fuwu_TradeCreate"], "TradeCreate", "TradeCreate"),
        ([], "taobao_own_Event", "taobao_own_Event"),
    ],
)
def test_a_worker_without_handlers_spells_out_as_those_do_that_have_some(
    vshop: Account,
    tidings: Stores,
    handed_out: list[dict[str, Any]],
    without_handlers: None,
    topics: list[str],
    came: str,
    full: str,
) -> None:
    lot = [Entry(topic, "shop.on_any") for topic in topics]
    tidings.registries.put(lot)
    tidings.presences.put(Presence("worker", "handle@host", 1, handlers=fingerprint(lot)))
    dispatch.start(vshop, batch_of(vshop), Reply(short(1, topic=came)))
    assert [fields["topic"] for fields in handed_out] == [full]
    assert tidings.topics.read(now=clock.now()) == {full: {"seen": 1}}


def test_what_handlers_there_were_is_remembered_while_no_worker_has_any(
    tidings: Stores, without_handlers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot, there = [Entry("taobao_own_Event")], Presence("worker", "handle@host", 1)
    tidings.registries.put(lot)
    tidings.presences.put(replace(there, handlers=fingerprint(lot)))
    assert others.registered().short_names.full_name("Event") == "taobao_own_Event"
    tidings.presences.drop(there)
    others.of(tidings).looked = -inf
    assert others.registered().short_names.full_name("Event") == "taobao_own_Event"


def test_a_platform_that_knows_no_short_names_is_taken_at_its_word(tidings: Stores, registered: Register) -> None:
    registered(nobody, "taobao_trade_TradeCreate")
    assert deliver(delivery(topic="TradeCreate", platform="qianmi")) == "ignored"
    assert runtime.stores().topics.read(now=clock.now()) == {"TradeCreate": {"unhandled": 1}}
