"""The payload models: the members that platforms.md lists, exact numbers and money, both forms of time, silence on buyers."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from handlers.base import Event
from handlers.item import ItemStockChanged
from handlers.logistics import LogsticDetailTrace
from handlers.qianmi import RechargeStateChange
from handlers.refund import RefundCreated
from handlers.topics import MODELS
from handlers.topics.samples import sample
from handlers.trade import (
    TradeBuyerPay,
    TradeCreate,
    TradeLogisticsAddressChanged,
    TradeMemoModified,
    TradePartlyConfirmPay,
)

# Each topic with its members as the platforms' pages list them: `?` optional by the page, `#` a number, `$` money. What the
# pages list as always there is not, so the models ask for `REQUIRED` alone.
TRADE = "buyer_nick buyer_open_uid? oid# payment?$ seller_nick status? tid# type"
PAID = "buyer_nick buyer_open_uid? oid# payment?$ seller_nick tid# type"
REFUND = "bill_type? buyer_nick buyer_open_uid? modified? oid?# refund_fee$ refund_id# refund_phase? seller_nick tid#"
PHASED = REFUND.replace("bill_type?", "bill_type").replace("refund_phase?", "refund_phase")
ITEM = "nick num_iid# price?$ sku_id?# sku_num?# status?"
STOCK = f"{ITEM} num?#"

MEMBERS = {
    "taobao_trade_TradeCreate": f"{TRADE} iid?# post_fee?$ end_time?",
    "taobao_trade_TradeAlipayCreate": TRADE,
    "taobao_trade_TradeModifyFee": "buyer_nick? buyer_open_uid? oid?# payment?$ seller_nick status? tid# type? refund_id?#",
    "taobao_trade_TradeCloseAndModifyDetailOrder": (
        "buyer_nick buyer_open_uid? oid?# payment?$ seller_nick? status? tid# type? refund_fee?$ refund_id?#"
    ),
    "taobao_trade_TradeClose": (
        f"{TRADE.replace('oid#', 'oid?#')} changed_fields? increment?# num?# num_iid?# price?$ sku_id?# sku_num?# title?"
    ),
    "taobao_trade_TradeBuyerPay": (
        f"{PAID} adjust_fee?$ alipay_no? distributor_payment?$ distributor_username? fenxiao_id?# logistics_id? post_fee?$ "
        "shipping?# sub_order_id?# supplier_username? trade_type?"
    ),
    "taobao_trade_TradeSellerShip": (
        f"{TRADE.replace('oid#', 'oid?#')} distributor_username? refund_fee?$ sub_order_id?# supplier_username? tc_order_id?#"
    ),
    "taobao_trade_TradeDelayConfirmPay": TRADE,
    "taobao_trade_TradePartlyRefund": f"{TRADE} content? subject?",
    "taobao_trade_TradePartlyConfirmPay": f"{TRADE} bill_type? modified? refund_id?# refund_phase?",
    "taobao_trade_TradeSuccess": TRADE,
    "taobao_trade_TradeTimeoutRemind": TRADE.replace("type", "type?"),
    "taobao_trade_TradeRated": f"{TRADE} rater?",
    "taobao_trade_TradeMemoModified": f"{TRADE} action_type seller_flag?# seller_memo?",
    "taobao_trade_TradeLogisticsAddressChanged": "buyer_nick buyer_open_uid? tid#",
    "taobao_trade_TradeChanged": TRADE,
    "taobao_trade_TradePartlySellerShip": TRADE,
    "taobao_trade_TradeBuyerStepPay": PAID.replace("oid#", "oid?#"),
    "taobao_refund_RefundCreated": REFUND,
    "taobao_refund_RefundSellerAgreeAgreement": PHASED,
    "taobao_refund_RefundSellerRefuseAgreement": PHASED,
    "taobao_refund_RefundBuyerModifyAgreement": PHASED,
    "taobao_refund_RefundBuyerReturnGoods": PHASED,
    "taobao_refund_RefundCreateMessage": PHASED,
    "taobao_refund_RefundClosed": PHASED,
    "taobao_refund_RefundSuccess": REFUND,
    "taobao_refund_RefundBlockMessage": REFUND,
    "taobao_refund_RefundTimeoutRemind": REFUND,
    "taobao_refund_TaobaoInterApplied": PHASED,
    "taobao_refund_TaobaoIntervened": PHASED,
    "taobao_item_ItemAdd": f"{STOCK} title?",
    "taobao_item_ItemUpshelf": ITEM,
    "taobao_item_ItemDownshelf": ITEM,
    "taobao_item_ItemDelete": ITEM,
    "taobao_item_ItemUpdate": f"{STOCK} changed_fields? increment?# title?",
    "taobao_item_ItemRecommendAdd": f"{STOCK} title?",
    "taobao_item_ItemRecommendDelete": f"{STOCK} increment?# title?",
    "taobao_item_ItemZeroStock": STOCK,
    "taobao_item_ItemSkuZeroStock": STOCK,
    "taobao_item_ItemPunishDelete": ITEM,
    "taobao_item_ItemPunishDownshelf": ITEM,
    "taobao_item_ItemPunishCc": ITEM,
    "taobao_item_ItemStockChanged": f"{STOCK} changed_fields? increment?#",
    "taobao_logistics_LogsticDetailTrace": "action company_name? desc out_sid? tid# time",
    "qianmi_elife_rechargeStateChange": "tid recharge_state?",
    "bm_elife_rechargeStateChange": "tid recharge_state?",
    "qianmi_elife_ticketStateChange": "tid?",
    "qianmi_item_itemInfoChange": "",
    "qianmi_item_itemDownShelf": "",
}

REQUIRED = {
    "taobao_trade_": "tid",
    "taobao_item_": "num_iid",
    "taobao_logistics_": "tid",
    "qianmi_elife_rechargeStateChange": "tid",
    "bm_elife_rechargeStateChange": "tid",
}
"""What a handler cannot do without: the id of what changed. A refund has two, either of which will do."""
NAMED_REFUNDS = [
    topic
    for topic, members in MEMBERS.items()
    if topic.startswith("taobao_refund_Refund") and not topic.endswith(("BlockMessage", "TimeoutRemind"))
]
ABSENT = [None, "", "  "]

BIG = 1588826713157361977  # nineteen digits, as the seed page's own tid: more than a float holds
TIMES = {"modified", "end_time", "time"}
PERSONAL = ("buyer_nick", "buyer_open_uid", "alipay_no", "seller_memo", "content", "subject", "desc", "out_sid")
SECRET = "private-buyer"

# The seed page's message, as its content reads once decoded.
SEED = (
    '{"buyer_nick":"201314雨洁","buyer_open_uid":"AAE2DDDcLp7QIkJwHw9","post_fee":"0.00","iid":67521386267,'
    '"end_time":1655114889000,"payment":"48.00","oid":1588821237361977,"seller_nick":"高墣旗舰店",'
    '"type":"guarantee_trade","tid":1588826713157361977,"status":"TRADE_NO_CREATE_PAY"}'
)


def value_of(member: str) -> Any:
    """A plausible value for a member, as the wire has it."""
    name = member.rstrip("?#$")
    if name in TIMES:
        return "2022-06-13 18:08:09"
    return BIG if member.endswith("#") else "48.10" if member.endswith("$") else "text"


def content(members: str) -> dict[str, Any]:
    return {each.rstrip("?#$"): value_of(each) for each in members.split()}


def required(topic: str) -> set[str]:
    return {member for start, member in REQUIRED.items() if topic.startswith(start)}


def read(model: type[Event], values: dict[str, Any]) -> Event:
    return model.model_validate_json(json.dumps(values))


def created(**values: Any) -> TradeCreate:
    return TradeCreate.model_validate_json(json.dumps({**json.loads(SEED), **values}))


def test_every_topic_has_a_model_and_every_model_a_topic() -> None:
    """Named as the topic's last part."""
    assert MODELS.keys() == MEMBERS.keys()
    for topic, model in MODELS.items():
        assert model.topic == topic
        short = topic.rpartition("_")[2]
        assert model.__name__.removeprefix("Bm") == short[0].upper() + short[1:]


@pytest.mark.parametrize("topic", MEMBERS)
def test_a_model_knows_the_members_of_its_page_and_asks_for_the_id_alone(topic: str) -> None:
    """Numbers and money as listed; of everything else a handler can do without, and None stands for it."""
    model, members = MODELS[topic], MEMBERS[topic]
    full = read(model, content(members))
    for each in members.split():
        name = each.rstrip("?#$")
        expected = BIG if each.endswith("#") else Decimal("48.10") if each.endswith("$") else full.model_dump()[name]
        assert getattr(full, name) == expected
        assert not (full.model_extra or {}).get(name), f"{name} is not declared"
    assert {name for name, field in model.model_fields.items() if field.is_required()} == required(topic)


@pytest.mark.parametrize("topic", MEMBERS)
@settings(deadline=None, max_examples=15)
@given(st.data())
def test_whatever_is_left_out_null_or_empty_the_rest_reads(topic: str, data: st.DataObject) -> None:
    """Each member by itself, and any number of them; only the id has to be there. Numbers may be text, and text numbers."""
    whole = sample(topic)
    kept = required(topic) or ({data.draw(st.sampled_from(["refund_id", "tid"]))} & whole.keys())
    gone = data.draw(st.sets(st.sampled_from(sorted(whole.keys() - kept)))) if whole.keys() - kept else set()
    partial = {name: value for name, value in whole.items() if name not in gone}
    partial |= {name: data.draw(st.sampled_from(ABSENT)) for name in gone if data.draw(st.booleans())}
    partial |= {name: str(value) for name, value in partial.items() if type(value) is int and data.draw(st.booleans())}
    event = read(MODELS[topic], partial)
    assert all(getattr(event, name) is None for name in gone)
    assert all(getattr(event, name) is not None for name in whole.keys() - gone)


@pytest.mark.parametrize("topic", MEMBERS)
def test_each_member_may_be_missing_by_itself(topic: str) -> None:
    """Absent, null or empty."""
    whole = sample(topic)
    for name in whole.keys() - required(topic):
        rest = {key: value for key, value in whole.items() if key != name}
        for partial in (rest, *({**rest, name: empty} for empty in ABSENT)):
            assert getattr(read(MODELS[topic], partial), name) is None


@pytest.mark.parametrize("topic", MEMBERS)
def test_the_id_of_what_changed_is_missed_by_name(topic: str) -> None:
    """Absent, null or empty."""
    for name in required(topic):
        rest = {key: value for key, value in sample(topic).items() if key != name}
        for partial in (rest, *({**rest, name: empty} for empty in ABSENT)):
            with pytest.raises(ValidationError) as caught:
                read(MODELS[topic], partial)
            assert [error["loc"] for error in caught.value.errors()] == [(name,)]


@pytest.mark.parametrize("topic", NAMED_REFUNDS)
def test_a_refund_is_known_by_its_id_or_its_orders(topic: str) -> None:
    """One of them will do; with neither nobody could say which refund it is."""
    for name in ("refund_id", "tid"):
        assert getattr(read(MODELS[topic], {name: BIG}), name) == BIG
    with pytest.raises(ValidationError, match="refund_id or tid"):
        read(MODELS[topic], {"refund_id": None, "tid": "", "refund_fee": "1.00"})


def test_a_memo_of_nobodys_and_an_order_of_a_masked_buyer_read() -> None:
    """As they came: no `action_type`; no `buyer_nick`, but the key that took its place."""
    memo = read(MODELS["taobao_trade_TradeMemoModified"], {"tid": BIG, "seller_memo": "", "seller_flag": 0})
    assert isinstance(memo, TradeMemoModified)
    assert (memo.action_type, memo.seller_memo, memo.seller_flag) == (None, None, 0)
    paid = read(TradeBuyerPay, {"tid": str(BIG), "buyer_open_uid": "AAE2DDDcLp7QIkJwHw9", "payment": "48.00"})
    assert isinstance(paid, TradeBuyerPay)
    assert (paid.tid, paid.buyer_nick, paid.buyer_open_uid) == (BIG, None, "AAE2DDDcLp7QIkJwHw9")


def test_the_seed_pages_message_reads_whole() -> None:
    """With the members that no page documents."""
    trade = TradeCreate.model_validate_json(SEED)
    assert (trade.tid, trade.oid, trade.iid) == (1588826713157361977, 1588821237361977, 67521386267)
    assert (trade.payment, trade.post_fee, trade.status) == (Decimal("48.00"), Decimal("0.00"), "TRADE_NO_CREATE_PAY")
    assert trade.end_time is not None
    assert trade.end_time.isoformat() == "2022-06-13T18:08:09+08:00"
    assert trade.seller_nick == "高墣旗舰店"


def test_a_stock_change_as_seen_in_the_wild_reads() -> None:
    """Only the two members that are always there."""
    stock = ItemStockChanged.model_validate_json('{"nick":"n","num_iid":15380658823}')
    assert (stock.num_iid, stock.increment) == (15380658823, None)


@settings(deadline=None)
@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_every_64_bit_number_is_exact_as_number_and_as_text(number: int) -> None:
    """In both forms that platforms write."""
    assert created(tid=number).tid == created(tid=str(number)).tid == number


@pytest.mark.parametrize("wrong", [1588826713157361977.0, 1.5, True, None, "", "x", "1e3", "1_000", "٣", [1], {}])
def test_a_number_that_would_lose_digits_or_is_none_is_refused(wrong: Any) -> None:
    """A float of nineteen digits has already lost some."""
    with pytest.raises(ValidationError):
        created(tid=wrong)


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("48.00", "48.00"),
        ("0.1", "0.1"),
        (48, "48"),
        (48.1, "48.1"),
        ("-3.50", "-3.50"),
        (" 7 ", "7"),
        (f"{BIG}.99", f"{BIG}.99"),
    ],
)
def test_money_is_exact(written: Any, amount: str) -> None:
    """Text keeps its cents; a short float is what was written."""
    payment = created(payment=written).payment
    assert payment == Decimal(amount)
    assert str(payment) == amount


@pytest.mark.parametrize(
    "wrong", ["free", "1e999999", "NaN", "Infinity", "1,000.00", "٣", 0.1234567890123456, 1e300, True, [1]]
)
def test_money_that_is_no_plain_amount_is_refused(wrong: Any) -> None:
    """Exponents and too many digits would be guesses."""
    with pytest.raises(ValidationError):
        created(payment=wrong)


@pytest.mark.parametrize(
    "written", ["2022-06-13 18:08:09", 1655114889000, "1655114889000", "2022-06-13T10:08:09+00:00"]
)
def test_times_are_shanghais_in_whatever_form(written: Any) -> None:
    """Text, milliseconds, milliseconds as text, and what a datetime writes itself."""
    trace = LogsticDetailTrace.model_validate({"tid": 1, "action": "x", "desc": "y", "time": written})
    assert trace.time is not None
    assert trace.time.isoformat() == "2022-06-13T18:08:09+08:00"
    assert trace.time.utcoffset() == timedelta(hours=8)


def test_milliseconds_keep_their_fraction() -> None:
    """To the last one."""
    trade = created(end_time=1655114889123)
    assert trade.end_time is not None
    assert trade.end_time.microsecond == 123_000


@pytest.mark.parametrize("wrong", ["yesterday", "2022-13-01 00:00:00", 10**30, "9" * 40, 1.5, True, [1]])
def test_a_time_that_is_none_is_refused(wrong: Any) -> None:
    """Also one past every calendar."""
    with pytest.raises(ValidationError):
        created(end_time=wrong)


def test_an_empty_text_for_an_optional_number_means_absent() -> None:
    """PHP back ends write it so; null means the same."""
    for empty in ("", "  ", None):
        trade = created(iid=empty, post_fee=empty, end_time=empty, status=None)
        assert (trade.iid, trade.post_fee, trade.end_time, trade.status) == (None, None, None, None)


def test_a_number_where_text_is_expected_becomes_text() -> None:
    """Nothing is lost by it; a truth value is no text."""
    assert created(seller_nick=12345678901234567890).seller_nick == "12345678901234567890"
    assert RechargeStateChange.model_validate_json('{"tid": 7, "recharge_state": 9}').recharge_state == "9"
    with pytest.raises(ValidationError):
        created(seller_nick=True)


def test_unknown_members_are_kept() -> None:
    """Undocumented ones occur, and a handler may want them."""
    trade = created(step_trade_status="FRONT_PAID", nested={"a": [BIG]})
    assert trade.model_extra == {"step_trade_status": "FRONT_PAID", "nested": {"a": [BIG]}}


def test_events_do_not_change() -> None:
    """A handler cannot alter what another one sees."""
    with pytest.raises(ValidationError, match="frozen"):
        created().tid = 5  # type: ignore[misc]


@pytest.mark.parametrize("topic", MEMBERS)
def test_nothing_personal_shows_in_a_repr(topic: str) -> None:
    """Nor any member that the model does not know; numbers and states do."""
    values = {**content(MEMBERS[topic]), **dict.fromkeys(PERSONAL, SECRET), "unknown": SECRET}
    event = read(MODELS[topic], values)
    assert SECRET not in repr(event) + str(event) + f"{event}"
    assert "tid" not in values or str(values["tid"]) in repr(event)


@pytest.mark.parametrize("model", [TradeBuyerPay, RefundCreated, TradeLogisticsAddressChanged, LogsticDetailTrace])
def test_nothing_personal_shows_in_an_error(model: type[Event]) -> None:
    """The error's own text hides what came."""
    with pytest.raises(ValidationError) as caught:
        read(model, {"tid": SECRET, "buyer_nick": [SECRET], "time": SECRET, "payment": SECRET})
    assert SECRET not in str(caught.value) + repr(caught.value)


def test_an_event_survives_being_written_and_read() -> None:
    """A user may store it as JSON."""
    trade = created(unknown=[1])
    assert TradeCreate.model_validate_json(trade.model_dump_json()) == trade
    step = TradePartlyConfirmPay.model_validate({**json.loads(SEED), "modified": datetime(2022, 6, 13, 18, 8, 9)})  # noqa: DTZ001
    assert step.modified is not None
    assert step.modified.utcoffset() == timedelta(hours=8)
