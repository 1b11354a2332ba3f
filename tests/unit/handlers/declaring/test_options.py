"""What a handler's options may be, and what one that ships gives way to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, RootModel
from typing_extensions import TypedDict

from handlers import BadHandler, DuplicateTopic, Message, Registry
from handlers.declaring.options import TAKEN
from handlers.trade import TradeBuyerPay


async def looks_up(content: dict[str, Any]) -> object: ...
def yields(content: dict[str, Any]) -> Iterator[object]:
    yield content


class LooksUp:
    async def __call__(self, content: dict[str, Any]) -> object: ...


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"key": ""}, "key=''"),
        ({"key": 3}, "key=3"),
        ({"key": looks_up}, "looks_up .* returns what has yet to run"),
        ({"key": yields}, "yields .* returns what has yet to run"),
        ({"key": LooksUp()}, "LooksUp .* returns what has yet to run"),
        ({"key": lambda: 1}, "is called with the content alone"),
        ({"key": lambda content, message: 1}, "is called with the content alone"),
        ({"latest": True}, "with a key"),
        ({"key": "tid", "latest": "yes"}, "latest"),
        ({"timeout": 0}, "timeout=0"),
        ({"timeout": float("nan")}, "timeout=nan"),
        ({"timeout": "10"}, "timeout='10'"),
        ({"tries": 0}, "tries=0"),
        ({"tries": True}, "tries=True"),
        ({"tries": 1.5}, "tries=1.5"),
        ({"queue": ""}, "queue=''"),
        ({"queue": "two words"}, "queue='two words'"),
        ({"queue": "a.handle"}, "queue='a.handle'"),
        ({"queue": "consume"}, "queue='consume' is something else of Tidings'"),
        ({"queue": "letters"}, "queue='letters' is something else of Tidings'"),
    ],
)
def test_a_wrong_option_is_refused_with_what_to_write(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadHandler, match=said):
        Registry().handles("t", **options)


@pytest.mark.parametrize(
    "key", [str, len, itemgetter("tid"), partial(max, 1), lambda content, default="": default, lambda *content: 1]
)
def test_whatever_can_be_called_with_the_content_is_a_key(key: Any) -> None:
    Registry().handles("t", key=key)


class Named(str, Enum):  # noqa: UP042 - as people write it who have had Python 3.10
    """Names of a user's own, which are text but print as `Named.TOPIC`."""

    TOPIC = "taobao_trade_TradeBuyerPay"
    PATTERN = "taobao_item_*"
    KEY = "tid"
    QUEUE = "slow"


def test_what_an_enum_names_is_taken_as_its_text() -> None:
    """It is a key of JSON, a queue's name, and a part of what is printed and sent."""
    registry = Registry()

    @registry.handles(Named.TOPIC, Named.PATTERN, key=Named.KEY, queue=Named.QUEUE)
    def on_any(content: dict[str, Any]) -> None: ...

    for topic in (Named.TOPIC.value, "taobao_item_ItemAdd"):
        found = registry.find(topic)
        assert found is not None
        named = found.topic, found.options.key, found.options.queue
        assert [type(each) for each in named] == [str, str, str]
        assert named in [(Named.TOPIC.value, "tid", "slow"), (Named.PATTERN.value, "tid", "slow")]


def test_options_are_those_of_each_topic() -> None:
    registry = Registry()

    @registry.handles("a", "b", key="tid", latest=True, timeout=2.5, tries=3, queue="slow")
    def on_any(content: dict[str, Any]) -> None: ...

    for topic in "ab":
        found = registry.find(topic)
        assert found is not None
        options = found.options
        assert (options.key, options.latest, options.timeout, options.tries, options.queue) == (
            "tid",
            True,
            2.5,
            3,
            "slow",
        )


def test_an_exact_topic_of_the_users_wins_over_a_boxed_one() -> None:
    registry = Registry()

    def boxed(content: str) -> None: ...

    registry.handles("a", "b", "taobao_*", boxed=True)(boxed)

    @registry.handles("a", "taobao_trade_*")
    def own(content: str) -> None: ...

    won = {
        topic: getattr(registry.find(topic), "function", None) for topic in ("a", "b", "taobao_item", "taobao_trade_x")
    }
    assert won == {"a": own, "b": boxed, "taobao_item": boxed, "taobao_trade_x": own}
    with pytest.raises(DuplicateTopic):
        registry.handles("taobao_trade_*", boxed=True)(boxed)


def test_no_queue_has_a_name_under_which_something_else_is_kept() -> None:
    rows = [line for line in Path("ARCHITECTURE.md").read_text().splitlines() if line.startswith("| `tidings:")]
    names = {name for row in rows for name in re.findall(r"`tidings:([a-z_]+)`", row.split("|")[1])}
    assert len(names) > 10
    assert names - {"handle"} <= TAKEN


class Line(BaseModel):
    oid: int


class Order(BaseModel):
    tid: int = Field(alias="order_id")
    lines: list[Line] = []


class Either(BaseModel):
    """A model whose members may have both names."""

    model_config = ConfigDict(populate_by_name=True)

    tid: int = Field(alias="order_id")
    shop: str = Field("", validation_alias=AliasChoices("seller", AliasPath("from", "nick")))
    inside: "Either | None" = None


class Wrapped(RootModel[Order]): ...


@dataclass
class Parcel:
    out_sid: str


class Stock(TypedDict):
    num_iid: int


class Shelf(NamedTuple):
    sku_id: int


@pytest.mark.parametrize(
    ("wanted", "key", "meant"),
    [
        (TradeBuyerPay, "tdi", "tid"),
        (Order, "order_ids", "order_id"),
        (Order | None, "order_ids", "order_id"),
        (Parcel, "outsid", "out_sid"),
        (Stock, "numiid", "num_iid"),
        (Parcel | Stock, "numiid", "num_iid"),
        (Order, "order", "order_id"),
        (Wrapped, "order", "order_id"),
        (Either, "seler", "seller"),
        (Either, "ftom", "from"),
        (Either, "tidd", "tid"),
        (Shelf, "skuid", "sku_id"),
        (Either, "order", "order_id"),
    ],
)
def test_a_key_that_no_content_has_is_refused_at_the_start(wanted: Any, key: str, meant: str) -> None:
    def on_any(content: Any) -> None: ...

    on_any.__annotations__["content"] = wanted
    registry = Registry()
    registry.handles("t", key=key)(on_any)
    with pytest.raises(BadHandler, match=f"key='{key}' of on_any is no member of .*did you mean '{meant}'"):
        registry.settle()
    registry = Registry()
    registry.handles("t", key=meant)(on_any)
    registry.settle()


@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        (Order, "tid"),
        (Order, "oid"),
        (list[Order], "order_id"),
        (list, "order_id"),
        (tuple[Order, ...], "order_id"),
        (tuple, "order_id"),
        (Either, "nick"),
    ],
)
def test_a_key_is_looked_for_among_the_members_of_the_json_alone(wanted: Any, key: str) -> None:
    """Not under a name that the member has only in Python, nor inside of another one, nor in a list."""

    def on_any(content: Any) -> None: ...

    on_any.__annotations__["content"] = wanted
    registry = Registry()
    registry.handles("t", key=key)(on_any)
    with pytest.raises(BadHandler, match=f"key='{key}' of on_any is no member of .*Write a function"):
        registry.settle()


@pytest.mark.parametrize(
    "wanted", [dict, dict[str, Any], str, Message, Order | dict[str, Any], RootModel[dict[str, int]]]
)
def test_where_a_content_may_have_any_member_any_key_will_do(wanted: Any) -> None:
    def on_any(content: Any) -> None: ...

    on_any.__annotations__["content"] = wanted
    registry = Registry()
    registry.handles("t", key="whatever")(on_any)
    registry.settle()
