"""What a handler is told of a message that travelled as a task's argument."""

import json

from tasks.handling.delivery import Delivery, Names
from tasks.platforms.base import Item, Spoilt
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


def test_what_it_holds_shows_nowhere_that_shows_an_object() -> None:
    """Not in a log's arguments either, which collectors of errors take along beside the line that was made of them."""
    item = Item(receipt="1", id="42", topic="taobao_trade_TradeCreate", content='{"buyer": "private-buyer"}')
    given = Delivery(item, Batch("shop", "batch", 1.0, 300.0), "taobao", ("app", "42"))
    for each in (item, given, given.message(1), Spoilt("1", "private-buyer", "no topic")):
        assert "private-buyer" not in f"{each!r} {each}"
        assert "1" in repr(each)
