"""What becomes of a message's content, and what is said when it does not fit: names of members, never values."""

import json
import math
import traceback
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError, field_validator

from handlers import Message, Registry, Reject, Unfit
from handlers.trade import TradeCreate

BUYER = "private-buyer"


SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)


class Line(BaseModel):
    """One line of an order."""

    price: int
    by_name: dict[str, int] = {}


class Order(BaseModel):
    """A user's own model."""

    tid: int
    lines: list[Line] = []
    note: str = ""

    @field_validator("note")
    @classmethod
    def _short(cls, note: str) -> str:
        if note == BUYER:
            raise ValueError(f"{note} is no note")
        return note


def received(annotation: Any, content: str) -> Any:
    """What a handler with this annotation gets for the content."""
    registry = Registry()
    got: list[Any] = []

    def handler(content: Any) -> None:
        got.append(content)

    handler.__annotations__["content"] = annotation
    registry.handles("t")(handler)
    found = registry.find("t")
    assert found is not None
    found.call(message(content))
    return got[0]


def message(content: str) -> Message:
    return Message(id="7", topic="t", account="shop-1", platform="taobao", content=content)


def unfit(annotation: Any, content: str) -> str:
    with pytest.raises(Unfit) as caught:
        received(annotation, content)
    assert BUYER not in "".join(traceback.format_exception(caught.value))
    return caught.value.reason


def test_a_model_is_validated_a_dict_parsed_text_raw_and_a_message_whole() -> None:
    """The first parameter's annotation decides."""
    content = '{"tid": 1588826713157361977}'
    assert received(Order, content) == Order(tid=1588826713157361977)
    assert received(dict, content) == received(dict[str, Any], content) == {"tid": 1588826713157361977}
    assert received(str, content) == content
    assert received(Message, content) == message(content)


def test_numbers_in_a_dict_keep_every_digit_and_money_stays_text() -> None:
    """Nineteen digits are more than a float holds."""
    content = received(dict, '{"tid": 1588826713157361977, "payment": "48.10", "big": %s}' % ("9" * 400))
    assert content["tid"] == 1588826713157361977
    assert content["payment"] == "48.10"
    assert content["big"] == int("9" * 400)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text(),
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_any_json_object_arrives_as_it_was_sent(content: dict[str, Any]) -> None:
    """Whatever a platform puts into it."""
    assert received(dict, json.dumps(content)) == content


NOT_JSON = ["", "  ", "<xml/>", "{", '{"a": 1,}', '{"a": NaN}', '{"a": -Infinity}', '{"a": 1' + "0" * 5000 + "}"]
TOO_DEEP = ["[" * 100_000, '{"a":' * 100_000]


@pytest.mark.parametrize("annotation", [dict, Order, TradeCreate])
@pytest.mark.parametrize("content", NOT_JSON + TOO_DEEP, ids=lambda content: content[:12])
def test_what_is_no_strict_json_is_unfit(annotation: Any, content: str) -> None:
    """Also NaN, which is no JSON, and what is too long or too deep to be read."""
    assert unfit(annotation, content).startswith("content: ")


@pytest.mark.parametrize("content", ["[]", "1", "null", '"text"'])
@pytest.mark.parametrize("annotation", [dict, Order, TradeCreate])
def test_json_that_is_no_object_is_unfit(annotation: Any, content: str) -> None:
    """Events are objects."""
    assert unfit(annotation, content).startswith("content: ")


def test_a_number_past_every_float_is_unfit() -> None:
    """It would arrive as infinity."""
    assert unfit(dict, '{"a": 1e999}') == "content: a number that cannot be read"


def test_a_text_that_only_looks_like_nan_is_fine() -> None:
    """A buyer may be called so."""
    assert received(Order, '{"tid": 1, "note": "NaN Infinity"}').note == "NaN Infinity"


def test_the_reason_names_members_and_error_types() -> None:
    """So that the developer knows where to look."""
    lines = [{"price": BUYER}, {"price": 1, "by_name": {BUYER: "x"}}]
    assert unfit(Order, json.dumps({"lines": lines, "note": BUYER})) == (
        "tid: missing; lines[0].price: int_parsing; lines[1].by_name.*: int_parsing; note: value_error"
    )


def test_the_reason_shows_no_name_that_a_model_did_not_choose() -> None:
    """Members that came with the message may be anything."""

    class Strict(BaseModel, extra="forbid"):
        pass

    assert unfit(Strict, '{"\\u0007\\n": 1}') == "?: extra_forbidden"


def test_the_reason_stays_short() -> None:
    """It is kept with the dead letter."""
    reason = unfit(Order, json.dumps({"tid": 1, "lines": [{}] * 1000}))
    assert reason.endswith("and 990 more")
    assert len(reason) < 500


def test_a_missing_member_of_a_shipped_model_is_named() -> None:
    """As in a handler's annotation."""
    assert unfit(TradeCreate, json.dumps({"oid": BUYER})).startswith("tid: missing; oid: value_error")


def test_a_validation_error_in_the_handlers_own_body_is_not_the_contents_fault() -> None:
    """It may be a passing state of another system: the message is tried again, not buried."""
    registry = Registry()

    @registry.handles("t")
    def one(content: Order) -> None:
        Order.model_validate({"tid": "x"})

    found = registry.find("t")
    assert found is not None
    with pytest.raises(ValidationError):
        found.call(message('{"tid": 1}'))


def test_what_a_handler_raises_comes_out_unchanged() -> None:
    """Reject and any other exception."""
    registry = Registry()

    @registry.handles("t")
    def one(content: dict[str, Any]) -> None:
        raise Reject("no such order")

    found = registry.find("t")
    assert found is not None
    with pytest.raises(Reject, match="no such order"):
        found.call(message("{}"))


def test_floats_are_floats() -> None:
    """Only money and numbers need exactness, and those are text and integers."""
    assert math.isclose(received(dict, '{"a": 0.1}')["a"], 0.1)
