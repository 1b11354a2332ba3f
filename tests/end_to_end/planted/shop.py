"""What is planted, and the shop that it is planted in."""

import json
from base64 import b64encode

from tests.gateways import all_three

SECRETS = {
    "taobao's app secret": "Tb-Secret/+=9f3a&b7c1",
    "qianmi's app secret": "Qm-Secret-4d8e%20?1a6b",
    "vv-tool's token": "Vv-Token-77aa.b2c4~e6f8",
    "a shop's session": "Session-61000aZ-31c9d5e7",
    "the webhook's secret": b64encode(b"planted for the test of logs, 32").decode(),
    "the webhook's login": "Hook:Login-5e1d",
    "the page's password": "Page-Password-8b2f!",
}
"""Those that the environment holds. The password of Redis comes with its server."""

BUYERS = {
    "a buyer's name": "欧阳测试甲",
    "a buyer's phone": "19900012345",
    "a buyer's address": "杭州市虚构路九千九百号",
    "a buyer's nick": "Planted-Buyer-Nick",
}
"""Invented, in every message's content."""

ACCOUNTS = (
    all_three(lease_seconds=8)
    + """[accounts.tb-shop]
gateway = "tb"
session = "env:SHOP_SESSION"
poll = { min = 0.2, max = 0.5 }
[accounts.tb-shop.counter]
topics = ["trade"]
user_ids = ["11:22"]
type = 4
every = 1
[accounts.qm-shop]
gateway = "qm"
group = "A854800"
poll = { min = 0.2, max = 0.5 }
[accounts.vv-shop]
gateway = "vv"
shop_id = "123"
poll = { min = 0.2, max = 0.5 }
"""
)

HANDLERS = '''
"""Handlers that fail in every way, each with the whole content in what it says."""
import os, time
from handlers import Message, Reject, Retry, handles
from handlers.trade import TradeBuyerPay

class Odd(BaseException):
    pass

@handles("planted_*")
def on_planted(content: dict, message: Message) -> None:
    message.log.info("begun", extra={"deliveries_so_far": message.deliveries})
    text = message.content
    match message.topic.removeprefix("planted_"):
        case "raise":
            raise ValueError(text)
        case "chain":
            try:
                raise KeyError(text)
            except KeyError as error:
                raise RuntimeError(content["name"]) from error
        case "group":
            raise ExceptionGroup(text, [ValueError(text), OSError(5, text, text)])
        case "note":
            error = LookupError()
            error.add_note(text)
            raise error
        case "odd":
            raise Odd(text, content)
        case "exit":
            raise SystemExit(text)
        case "retry":
            if message.deliveries < 2:
                raise Retry("stock is behind", delay=0.2)
        case "unicode":
            raise UnicodeEncodeError("ascii", text, 0, 1, text)
        case "late":
            time.sleep(60)
        case "dead":
            os._exit(3)

@handles("planted_async")
async def on_async(content: dict, message: Message) -> None:
    raise ValueError(message.content)

@handles("planted_unfit")
def on_unfit(trade: TradeBuyerPay) -> None:
    raise AssertionError("its content does not fit")
'''

WAYS = ("fine", "raise", "chain", "group", "note", "odd", "exit", "retry", "unicode", "async", "unfit", "late", "dead")
"""Topics by what their handler does. What handlers print or log themselves is theirs, and nothing of it is planted."""

CONTENT = {
    "tid": 1588826713157361977,
    "name": BUYERS["a buyer's name"],
    "phone": BUYERS["a buyer's phone"],
    "address": BUYERS["a buyer's address"],
    "buyer_nick": BUYERS["a buyer's nick"],
}


def messages(ways: tuple[str, ...], each: int) -> list[dict[str, object]]:
    """So many messages for each way, and some that others handle: webhook, stream and nobody."""
    told = [f"planted_{way}" for way in ways]
    told += ["hooked_topic", "streamed_topic", "nobodys_topic"]
    return [{"topic": topic, "content": json.dumps(CONTENT, ensure_ascii=False)} for topic in told for _ in range(each)]


HOLDS_BUYERS = (
    "tidings:handle",
    "tidings:unacked",
    "tidings:letters",
    "tidings:inbox:raw:",
    "planted-stream",
)
"""Keys that may hold contents (a `:` at the end: with what follows): the queue of messages, those in hand, letters, raw replies,
and the stream that the user has asked for."""


def may_hold_buyers(key: str) -> bool:
    """Whether that is one of them."""
    return any(key == each or (each.endswith(":") and key.startswith(each)) for each in HOLDS_BUYERS)
