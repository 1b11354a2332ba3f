"""A message as other programs get it."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import Message
from handlers.event import body, fields, idempotency_key

AT = datetime.fromisoformat("2026-11-21T10:00:00+08:00")


def message(content: str = "{}", **more: str) -> Message:
    common = {"id": "1", "topic": "t", "account": "shop", "platform": "taobao", "identity": "app-1"}
    told: dict[str, Any] = {**common, **more}
    return Message(**told, content=content, published=AT, deliveries=2)


def test_the_members_are_those_that_are_promised() -> None:
    assert json.loads(body(message('{"tid": 1588826713157361977}', user_id="9", user_nick="雨"))) == {
        "type": "t",
        "timestamp": "2026-11-21T10:00:00+08:00",
        "data": {
            "id": "1",
            "platform": "taobao",
            "account": "shop",
            "user_id": "9",
            "user_nick": "雨",
            "deliveries": 2,
            "content": {"tid": 1588826713157361977},
        },
    }


@pytest.mark.parametrize(
    "content", ['{"a": 1.10, "b":  1e400, "a": 12345678901234567890123}', '{"雨": "\\ud800"}', " {} "]
)
def test_an_object_stands_in_it_as_it_came(content: str) -> None:
    assert content.encode() in body(message(content))
    assert isinstance(json.loads(body(message(content)))["data"]["content"], dict)


@pytest.mark.parametrize(
    "content", ["", "[1]", "null", "{", '{"a": NaN}', "\ufeff{}", '{"a": "\ud800"}', "[" * 100_000, '{"a": 1}}']
)
def test_all_else_is_a_text(content: str) -> None:
    assert json.loads(body(message(content)))["data"]["content"] == content


@given(st.text(), st.text(), st.text())
def test_it_is_json_whatever_is_in_the_message(content: str, topic: str, id_: str) -> None:
    found = json.loads(body(message(content, topic=topic, id=id_)))
    assert (found["type"], found["data"]["id"]) == (topic, id_)


def test_the_key_is_the_messages_identity_and_its_platform() -> None:
    assert idempotency_key(message()) == "taobao-app-1"
    assert idempotency_key(message(identity="")) == "taobao-1"
    odd = [message(identity="a.b"), message(identity="a b"), message(identity="\ud800"), message(identity="a" * 500)]
    keys = {idempotency_key(each) for each in odd}
    assert len(keys) == 4
    assert all(key.startswith("~") and "." not in key and len(key) == 33 for key in keys)


def test_flat_it_has_the_same_members_and_the_key() -> None:
    told = fields(message("x", user_id="9"))
    nested = json.loads(body(message("x", user_id="9")))
    assert told == {
        "key": "taobao-app-1",
        "type": nested["type"],
        "timestamp": nested["timestamp"],
        **{name: str(value) for name, value in nested["data"].items()},
    }
