"""Which registered topics are most likely slips of the pen."""

import pytest

from handlers.topics import MODELS
from handlers.topics.names import close
from tasks.rules.topic_names import Registered, doubts

PAY = "taobao_trade_TradeBuyerPay"


@pytest.mark.parametrize(
    "written",
    [
        "taobao_trade_TradeBuyerPayd",
        "taobao_trade_TradeBuyrPay",
        "taobao_trade_TardeBuyerPay",
        "taobao_trade_tradebuyerpay",
        "taobao_trade_BuyerPay",
        "taobao_TradeBuyerPay",
        "BuyerPay",
        "buyer_pay",
        "Trade_Buyer_Pay",
        "trade_TradeBuyerPay",
        "taobao_item_TradeBuyerPay",
        "taobao.trade.TradeBuyerPay",
        "toabao_trade_TradeBuyerPay",
        "TradeBuyerPayd",
        "tradebuyerpay",
    ],
)
def test_a_slip_is_pointed_at_with_what_was_meant(written: str) -> None:
    [doubt] = doubts([Registered(written, "shop.py:3")], MODELS, {})
    assert doubt.meant == (PAY,)
    assert str(doubt) == (
        f"topic {written} (shop.py:3) fits no topic that is known or has arrived; did you mean {PAY}?"
    )


@pytest.mark.parametrize(
    "written", [*MODELS, "TradeBuyerPay", "taobao_fuwu_ServiceOpen", "qianmi_trade_stateChange", "t"]
)
def test_what_is_known_or_like_nothing_known_is_not_doubted(written: str) -> None:
    assert doubts([Registered(written, "shop.py:3")], MODELS, {}) == []


def test_a_topic_that_arrives_is_known_from_then_on_and_what_is_close_to_it_is_not() -> None:
    arrived = {"qianmi_trade_tradeStateChange": 42}
    wrong = Registered("qianmi_trade_tradeStateChanged", "shop.py:3")
    [doubt] = doubts([Registered("qianmi_trade_tradeStateChange", "shop.py:9"), wrong], MODELS, arrived)
    assert doubt.registered is wrong
    assert str(doubt).endswith(
        "did you mean qianmi_trade_tradeStateChange? 42 of its messages came lately and nobody handled them"
    )


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("taobao_trad_*", ("taobao_trade_*",)),
        ("taobao_Trade_*", ("taobao_trade_*",)),
        ("trade_*", ("taobao_trade_*",)),
        ("taobo_*", ("taobao_*",)),
        ("taobao_trade_TradeBuyrP*", (PAY,)),
        ("*_TradeBuyerPayd", (PAY,)),
        ("tmall_*", ()),
        ("qianmi_trade_*", ()),
    ],
)
def test_a_pattern_that_fits_nothing_is_told_with_what_was_meant(pattern: str, meant: tuple[str, ...]) -> None:
    [doubt] = doubts([Registered(pattern, "shop.py:3", pattern=True)], MODELS, {})
    assert doubt.meant == meant


@pytest.mark.parametrize("pattern", ["*", "taobao_trade_*", "Trade*", "qianmi_*", "*Pay", "taobao_[tr]*", "?aobao_*"])
def test_a_pattern_that_fits_something_known_is_not_doubted(pattern: str) -> None:
    assert doubts([Registered(pattern, "shop.py:3", pattern=True)], MODELS, {}) == []


@pytest.mark.parametrize("between", [",", ", ", "|", " ", ";"])
def test_several_topics_in_one_text_are_what_was_meant(between: str) -> None:
    """@handles takes each by itself; so written they are one topic that never comes."""
    written = f"TradeBuyerPay{between}taobao_trade_TradeClose"
    assert close(written, MODELS) == (PAY, "taobao_trade_TradeClose")


def test_of_many_the_closest_come_first() -> None:
    assert close("taobao_trade_TradeCrate", MODELS)[0] == "taobao_trade_TradeCreate"
    assert close("t", []) == ()
