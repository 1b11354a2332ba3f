"""What of a message is its key."""

from contextvars import copy_context
from typing import Any

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field

from handlers import Message, Registry
from handlers.declaring.handler import UNREAD
from handlers.message import Misused
from tasks.handling.turns import looked, member, written


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ('{"tid": 2900000000000000001}', "2900000000000000001"),
        ('{"tid": "2900000000000000001"}', "2900000000000000001"),
        ('{"tid": 290000000000000000000000000001}', "290000000000000000000000000001"),
        ('{"a": {"tid": 1}, "tid" : "\\u4e70" }', "买"),
        ('{"tid": [1,2]}', "[1,2]"),
        ('{"tid": false}', "false"),
        ('{"tid": null}', ""),
        ('{"tid": ""}', ""),
        ('{"Tid": 1}', ""),
        ("{}", ""),
        ("[]", ""),
        ('"tid"', ""),
        ("", ""),
        ('{"tid": 1', ""),
        ('{"tid": "\\ud800"}', ""),
        ('{"tid": "\ud800"}', ""),
        ('{"tid": ' + "[" * 100_000, ""),
    ],
)
def test_a_member_is_read_from_the_raw_text_and_all_else_has_no_key(content: str, value: str) -> None:
    assert member(content, "tid") == value


def test_any_name_of_a_member_can_be_meant() -> None:
    assert member('{"a.b c": 7}', "a.b c") == "7"


class Trade(BaseModel):
    """Its id may have either name."""

    model_config = ConfigDict(populate_by_name=True)

    tid: int = Field(alias="trade_id")


class Parcel(BaseModel):
    """Its id may have three names, and stands elsewhere in some."""

    tid: int = Field(0, validation_alias=AliasChoices("tid", "trade_id", AliasPath("trade", "tid"), "TradeId"))


@pytest.mark.parametrize("annotation", [Trade, Parcel, Trade | None, Parcel | Trade])
@pytest.mark.parametrize("key", ["tid", "trade_id"])
def test_a_member_is_the_key_under_each_name_that_the_model_takes(annotation: Any, key: str) -> None:
    def on_trade(trade: Any) -> None: ...

    on_trade.__annotations__["trade"] = annotation
    registry = Registry()
    registry.handles("t", key=key)(on_trade)
    registry.settle()
    (handler,) = registry
    names = ["tid", "trade_id", *(["TradeId"] if "Parcel" in str(annotation) else [])]
    assert sorted(handler.key_names) == sorted(names)
    for name in names:
        message = Message("1", "t", "a", "taobao", f'{{"{name}": 7, "trade": {{"tid": 8}}}}')
        assert looked(handler, message, copy_context()) == (UNREAD, "7")


@pytest.mark.parametrize(("value", "text"), [(None, ""), ("", ""), (0, "0"), ("x", "x"), ((1, "a"), "(1, 'a')")])
def test_what_a_function_returns_is_a_key_unless_it_is_none_or_empty(value: object, text: str) -> None:
    assert written(value) == text


async def later() -> None: ...


class Order:
    """Nothing in it says which it is."""


@pytest.mark.parametrize("value", [Order(), [Order()], [].append, lambda: 1, iter([1]), {"a", "b"}, frozenset({"a"})])
def test_what_is_another_text_each_time_or_in_each_process_is_no_key(value: Any) -> None:
    with pytest.raises(
        Misused, match=r"^what key= returned, a \w+, is another text each time: return a text or a number$"
    ):
        written(value)


def test_what_has_yet_to_run_is_no_key() -> None:
    coroutine = later()
    with pytest.raises(Misused, match="a coroutine, is another text"):
        written(coroutine)
    coroutine.close()


def test_a_text_may_say_anything() -> None:
    assert written("<b> at 0x7f0000000000>") == "<b> at 0x7f0000000000>"
