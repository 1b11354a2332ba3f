"""What a handler is told of a message that travelled as a task's argument."""

import json

from tasks.handling.delivery import Delivery, Names
from tasks.platforms.base import Item
from tasks.rules.lease import Batch


def delivery(names: Names) -> Delivery:
    item = Item(receipt="1", id="42", topic="taobao_trade_TradeCreate", content="{}")
    return Delivery(item, Batch("shop", "batch", 1.0, 300.0), "taobao", names)


def test_the_identity_is_the_same_at_each_delivery_and_differs_where_ids_repeat() -> None:
    one = delivery(("app1", "42"))
    again = Delivery.from_json(json.loads(json.dumps(one.to_json())))
    other = delivery(("app2", "42"))
    assert one.message(1).identity == again.message(2).identity == "app1-42"
    assert one.message(1).identity != other.message(1).identity
