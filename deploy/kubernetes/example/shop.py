"""Your handlers; docs/handlers.md says what they may ask for. More than a file or two go into an image of your own."""

import logging

from handlers import Message, handles
from handlers.trade import TradeBuyerPay


@handles("taobao_trade_TradeBuyerPay")
def on_paid(trade: TradeBuyerPay, message: Message) -> None:
    logging.getLogger(__name__).info("paid: trade %d of %s", trade.tid, message.account)
