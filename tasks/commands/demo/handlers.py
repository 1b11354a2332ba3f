"""The handlers of the demo: each writes a line into the journal, some fail first. `demo` runs the worker with them."""

import os
from functools import cache
from pathlib import Path
from typing import Any

from handlers import Message, Reject, Retry, handles
from handlers.trade import TradeBuyerPay
from tasks.commands.demo.journal import FOLDER, Journal


@handles("taobao_trade_TradeBuyerPay")
def on_paid(trade: TradeBuyerPay, message: Message) -> None:
    """A buyer paid."""
    play(trade.model_extra or {}, message)


@handles("taobao_*", "qianmi_*")
def on_any(content: dict[str, Any], message: Message) -> None:
    """Anything else."""
    play(content, message)


def play(content: dict[str, Any], message: Message) -> None:
    """Misbehave as the content asks, and note the message when it is handled."""
    part = content.get("demo")
    if part == "refuses":
        raise Reject("this order is for nobody")
    if part in ("fails", "waits") and journal().first(message.id):
        raise Retry("the stock is busy", delay=3) if part == "waits" else RuntimeError("the database blinked")
    journal().write(message.account, message.id)


@cache
def journal() -> Journal:
    """The journal of this demo."""
    return Journal(Path(os.environ[FOLDER]))
