"""What is published: orders, some of which are no JSON, and some that their handler fails on. The same each time."""

from collections.abc import Iterator
from typing import Any

from tasks.commands.demo.cast import Actor

TOPICS = {"taobao": "taobao_trade_TradeBuyerPay", "qianmi": "qianmi_elife_rechargeStateChange"}
VVTOOL_TOPICS = ("taobao_trade_TradeBuyerPay", "taobao_item_ItemStockChanged")

OFTEN = {5: "fails", 25: "fails", 45: "waits", 65: "refuses", 85: "fails"}
"""Place in a hundred: what the handler does."""

SELDOM = {110: "poison", 120: "crashes", 130: "hangs"}
"""Place in 150: worse."""

NO_JSON = 15


def messages(actor: Actor, start: int, number: int) -> Iterator[dict[str, Any]]:
    """So many messages for one account, from this place on, as the sandbox publishes them."""
    for place in range(start, start + number):
        topic = TOPICS.get(actor.platform) or VVTOOL_TOPICS[place % 2]
        yield {"topic": topic, "content": content(place)}


def content(place: int) -> object:
    """The event of one message: an object, or text that is none."""
    if place % 100 == NO_JSON:
        return f'{{"tid": {place}, "payment": '
    does = SELDOM.get(place % 150) or OFTEN.get(place % 100)
    return {"tid": place, "chaos": does} if does else {"tid": place}
