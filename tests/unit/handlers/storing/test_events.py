"""What messages say of trades, refunds and items, and which word counts."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from handlers import Message
from handlers.content import Unfit
from handlers.storing.events import LONGEST, MEMBERS, Change, change, merge, row
from handlers.storing.tables import metadata
from handlers.topics import MODELS
from handlers.topics.samples import sample

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
TRADE = "taobao_trade_"
REFUND = "taobao_refund_"
ITEM = "taobao_item_"


def message(topic: str, at: int | None = 0, id_: str = "1", **content: Any) -> Message:
    """Published so many seconds after noon."""
    published = None if at is None else NOON + timedelta(seconds=at)
    return Message(id_, topic, "shop", "taobao", json.dumps(content), published, identity=f"app-{id_}")


def told(topic: str, at: int | None = 0, id_: str = "1", **content: Any) -> Change:
    found = change(message(topic, at, id_, **content))
    assert found is not None
    return found


def values(*changes: Change) -> dict[str, Any]:
    """What is known after these, without who told it."""
    known = merge({}, changes)
    return {name: value for name, (value, _) in known.items() if name not in ("platform", "account", "changed")}


def test_every_order_of_arrival_ends_in_the_same_state() -> None:
    events = [
        told(f"{TRADE}TradeCreate", 0, "1", tid=5, payment="10.00", status="WAIT_BUYER_PAY", buyer_nick="b"),
        told(f"{TRADE}TradeModifyFee", 1, "2", tid=5, payment="9.00", status="WAIT_BUYER_PAY"),
        told(f"{TRADE}TradeBuyerPay", 2, "3", tid=5, post_fee="1.00"),
        told(f"{TRADE}TradeSuccess", 3, "4", tid=5, status="TRADE_FINISHED", payment="", buyer_nick=None),
    ]
    last = {
        "topic": f"{TRADE}TradeSuccess",
        "status": "TRADE_FINISHED",
        "payment": Decimal("9.00"),
        "post_fee": Decimal("1.00"),
        "buyer_nick": "b",
    }
    for order in itertools.permutations(events):
        assert values(*order, order[0]) == last


def test_a_late_creation_does_not_win() -> None:
    success, create = told(f"{TRADE}TradeSuccess", 9, tid=5), told(f"{TRADE}TradeCreate", 0, "2", tid=5)
    assert values(success, create)["status"] == values(create, success)["status"] == "TRADE_FINISHED"


def test_of_one_moment_what_is_further_on_came_last_whatever_its_id() -> None:
    paid, created = told(f"{TRADE}TradeBuyerPay", 0, "1", tid=5), told(f"{TRADE}TradeCreate", 0, "2", tid=5)
    assert values(paid, created)["status"] == values(created, paid)["status"] == "WAIT_SELLER_SEND_GOODS"


def test_of_one_moment_and_rank_the_higher_number_came_last() -> None:
    one = told(f"{TRADE}TradeMemoModified", 0, "9", tid=5, seller_memo="one")
    two = told(f"{TRADE}TradeMemoModified", 0, "10", tid=5, seller_memo="two")
    assert values(two, one)["seller_memo"] == values(one, two)["seller_memo"] == "two"


def test_what_has_no_time_is_older_than_all_that_has() -> None:
    timeless, created = told(f"{TRADE}TradeSuccess", None, tid=5), told(f"{TRADE}TradeCreate", 0, "2", tid=5)
    assert values(created, timeless)["status"] == "WAIT_BUYER_PAY"


def test_a_line_of_an_order_that_is_over_does_not_end_the_order() -> None:
    created = told(f"{TRADE}TradeCreate", 0, tid=5)
    line = told(f"{TRADE}TradePartlyConfirmPay", 1, "2", tid=5, oid=6, status="TRADE_FINISHED", payment="3.00")
    assert values(created, line)["status"] == "WAIT_BUYER_PAY"


def test_refunds_go_by_when_they_were_changed() -> None:
    created = told(f"{REFUND}RefundCreated", 9, refund_id=7, tid=5, modified="2026-11-11 20:00:01")
    closed = told(f"{REFUND}RefundClosed", 0, "2", refund_id=7, tid=5, modified="2026-11-11 20:00:02")
    assert values(closed, created)["status"] == "closed"
    assert created.key == "7"


@pytest.mark.parametrize(
    ("content", "key"), [({"tid": 5}, "trade-5"), ({"tid": 5, "oid": 6}, "trade-5-6"), ({"refund_id": 7}, "7")]
)
def test_a_refund_without_a_number_goes_by_its_order(content: dict[str, Any], key: str) -> None:
    assert told(f"{REFUND}RefundCreated", **content).key == key


def test_a_refund_that_names_nothing_says_nothing() -> None:
    assert change(message(f"{REFUND}RefundBlockMessage", modified="2026-11-11 20:00:01")) is None


def test_items_are_sold_out_and_deleted() -> None:
    events = [
        told(f"{ITEM}ItemAdd", 0, num_iid=3, num=5, title="cup", status="onsale"),
        told(f"{ITEM}ItemZeroStock", 1, "2", num_iid=3),
        told(f"{ITEM}ItemDelete", 2, "3", num_iid=3, status="onsale"),
    ]
    assert values(*events) == {"topic": f"{ITEM}ItemDelete", "status": "deleted", "num": 0, "title": "cup"}


@pytest.mark.parametrize("topic", ["qianmi_elife_rechargeStateChange", "taobao_logistics_LogsticDetailTrace", "x", ""])
def test_other_topics_say_nothing(topic: str) -> None:
    assert change(message(topic, tid="5")) is None


def test_a_topic_that_has_no_model_says_nothing() -> None:
    assert change(message(f"{TRADE}TradeSomethingNew", tid=5)) is None


@pytest.mark.parametrize("topic", [topic for topic in MODELS if topic.startswith((TRADE, REFUND, ITEM))])
def test_every_sample_says_something_that_has_a_column(topic: str) -> None:
    found = told(topic, **sample(topic))
    table = metadata.tables[f"tidings_{found.kind}"]
    assert found.members.keys() <= set(table.columns.keys())
    assert set(MEMBERS[found.kind]) <= set(table.columns.keys())


@pytest.mark.parametrize(
    ("content", "member"),
    [
        ({}, "tid"),
        ({"tid": 2**63}, "tid"),
        ({"tid": 5, "payment": "1e3"}, "payment"),
        ({"tid": 5, "payment": "0.00001"}, "payment"),
        ({"tid": 5, "payment": "100000000000000"}, "payment"),
        ({"tid": 5, "shipping": 10**30}, "shipping"),
    ],
)
def test_what_fits_no_column_is_unfit_and_no_value_is_told(content: dict[str, Any], member: str) -> None:
    with pytest.raises(Unfit, match=f"^{member}: [a-z_ 0-9]+$"):
        change(message(f"{TRADE}TradeBuyerPay", **content))


@pytest.mark.parametrize("name", ["platform", "id", "topic", "account"])
def test_texts_that_are_too_long_are_unfit(name: str) -> None:
    fields: dict[str, Any] = {"id": "1", "topic": "t", "account": "a", "platform": "taobao", "content": "{}"}
    row(Message(**{**fields, name: "x" * LONGEST[name]}), NOON)
    with pytest.raises(Unfit, match=f"^{name}: more than"):
        row(Message(**{**fields, name: "x" * (LONGEST[name] + 1)}), NOON)


def test_the_source_is_what_an_id_is_unique_within() -> None:
    assert row(message("t"), NOON)["source"] == "app"
    vvtool = Message("9", "t_x", "shop", "vvtool", "{}", identity="0123-t_x-9")
    assert row(vvtool, NOON)["source"] == "0123-t_x"
    by_hand = Message("9", "t", "shop", "taobao", "{}")
    assert row(by_hand, NOON)["source"] == "shop"
