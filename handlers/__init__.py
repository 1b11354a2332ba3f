"""The user's side: a function for each topic that matters to the shop.

    from handlers import Message, Reject, Retry, handles
    from handlers.trade import TradeBuyerPay

    @handles("taobao_trade_TradeBuyerPay")
    def on_paid(trade: TradeBuyerPay, message: Message) -> None:
        if trade.payment is None:
            raise Reject("paid, but not how much")      # buried at once, for a person to look at
        if not stock.reserve(trade.tid):
            raise Retry("stock is busy", delay=5)       # called again in 5 seconds, if the lease allows
        orders.pay(trade.tid, trade.payment)            # returning means handled: the platform is told

    @handles("qianmi_*")                                # an fnmatch pattern; an exact topic wins over it
    def on_any(content: dict, message: Message) -> None:
        print(message.topic, sorted(content))

A message may come twice: do the same thing again without harm. Put the functions into a module of your own, as a shop.py in
the folder that workers start from, and name it: `TIDINGS_HANDLERS=shop`.
"""

from handlers.content import Unfit
from handlers.declaring.handler import Handler
from handlers.errors import BadAround, BadHandler, BadResource, DuplicateTopic, HandlersError, NotLoaded
from handlers.message import Message, Reject, Retry
from handlers.registry import Registry, around, handles, register
from handlers.resources import resource

__all__ = [
    "BadAround",
    "BadHandler",
    "BadResource",
    "DuplicateTopic",
    "Handler",
    "HandlersError",
    "Message",
    "NotLoaded",
    "Registry",
    "Reject",
    "Retry",
    "Unfit",
    "around",
    "handles",
    "register",
    "resource",
]
