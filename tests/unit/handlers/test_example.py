"""The example of the design works as it is written."""

import pytest

from handlers import Message, Unfit
from handlers.registry import registry

EXAMPLE = """
from handlers import Message, Reject, Retry, handles
from handlers.trade import TradeBuyerPay

@handles("taobao_trade_TradeBuyerPay")
def on_paid(trade: TradeBuyerPay, message: Message) -> None: ...

@handles("qianmi_*")                       # fnmatch pattern; an exact topic wins over a pattern
def on_any(content: dict, message: Message) -> None: ...
"""

PAID = (
    '{"tid": 1588826713157361977, "oid": 1588826713157361978, "buyer_nick": "b", "seller_nick": "s", "type": "fixed"}'
)


def message(topic: str, content: str) -> Message:
    return Message(id="7", topic=topic, account="shop-1", platform="taobao", content=content)


@pytest.fixture(autouse=True)
def _only_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_handlers", {})
    monkeypatch.setattr(registry, "_found", {})
    exec(compile(EXAMPLE, "example.py", "exec"), {})  # noqa: S102 - our own text


def test_the_examples_handlers_take_their_topics() -> None:
    """One by its topic, one by its pattern; other topics are nobody's."""
    for topic, name in (("taobao_trade_TradeBuyerPay", "on_paid"), ("qianmi_elife_rechargeStateChange", "on_any")):
        handler = registry.find(topic)
        assert handler is not None
        assert handler.function.__name__ == name
        handler.call(message(topic, PAID))
    assert registry.find("taobao_trade_TradeCreate") is None


def test_a_payment_that_does_not_fit_is_unfit() -> None:
    """The model is validated."""
    handler = registry.find("taobao_trade_TradeBuyerPay")
    assert handler is not None
    with pytest.raises(Unfit, match="tid: missing"):
        handler.call(message("taobao_trade_TradeBuyerPay", '{"oid": 1}'))
