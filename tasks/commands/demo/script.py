"""What is published in the demo. The same each time: of every hundred messages of an account, these go wrong."""

from collections.abc import Iterator
from typing import Any

from tasks.commands.demo.cast import Actor

PAID = "taobao_trade_TradeBuyerPay"
STOCK = "taobao_item_ItemStockChanged"
RECHARGE = "qianmi_elife_rechargeStateChange"

MISBEHAVIOURS = {5: "fails", 25: "fails", 45: "waits", 65: "fails", 85: "fails", 95: "refuses"}
"""Place in a hundred: what its handler does. `handlers` reads it from the content."""

NO_JSON = (15, 75)
UNFIT = (35,)

FIRST_ORDER = 1588826713157000000


def messages(actor: Actor, number: int) -> Iterator[dict[str, Any]]:
    """So many messages for one account, as the sandbox publishes them; all invented."""
    for place in range(number):
        topic = RECHARGE if actor.platform == "qianmi" else (PAID, STOCK)[place % 2]
        yield {"topic": topic, "content": content(topic, place)}


def content(topic: str, place: int) -> object:
    """The event of one message: an object, or text that is none."""
    order, of_hundred = FIRST_ORDER + place, place % 100
    if of_hundred in NO_JSON:
        return f'{{"tid": {order}, "payment": '
    if of_hundred in UNFIT:
        return ["no", "object"]
    demo = MISBEHAVIOURS.get(of_hundred)
    return {**event(topic, order), **({"demo": demo} if demo else {})}


def event(topic: str, order: int) -> dict[str, Any]:
    """A buyer paid, an item's stock changed, or a recharge is done."""
    if topic == PAID:
        people = {"buyer_nick": "demo buyer", "buyer_open_uid": "AAdemo", "seller_nick": "demo seller"}
        return {**people, "tid": order, "oid": order, "payment": "12.50", "type": "fixed"}
    if topic == STOCK:
        return {"nick": "demo seller", "num_iid": order, "num": 7}
    return {"tid": f"T{order}", "recharge_state": "1"}


def shares(total: int, parts: int) -> list[int]:
    """The total in so many nearly equal parts."""
    return [total // parts + (part < total % parts) for part in range(parts)]
