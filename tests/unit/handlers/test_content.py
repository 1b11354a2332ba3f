"""What becomes of a message's content, and what is said when it does not fit: names of members, never values."""

import json
import math
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, NotRequired

import pytest
from annotated_types import Len
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AliasChoices, AliasPath, BaseModel, Field, ValidationError, field_validator
from typing_extensions import TypedDict

from handlers import BadHandler, Message, Registry, Reject, Unfit
from handlers.content import named
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


@dataclass
class Parcel:
    """A dataclass of a user's own; its members in JSON are checked and converted as a model's are."""

    out_sid: str
    weight: float = 0.0
    lines: "list[Line]" = field(default_factory=list)
    next: "Parcel | None" = None


class Stock(TypedDict):
    """What pydantic takes before Python 3.12: that of typing_extensions."""

    num_iid: int
    parcel: NotRequired[Parcel]


class Place(NamedTuple):
    """A tuple with names."""

    shelf: int
    row: int


class Renamed(BaseModel):
    """Members that are called otherwise in JSON."""

    number: int = Field(alias="tradeNumber")
    title: int = Field(0, validation_alias=AliasChoices("t", AliasPath("inner", "t")))


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


@pytest.mark.parametrize(
    ("annotation", "content", "expected"),
    [
        (
            Parcel,
            '{"out_sid": "7", "weight": "1.5", "lines": [{"price": 3}], "unknown": 1}',
            Parcel("7", 1.5, [Line(price=3)]),
        ),
        (Parcel, '{"out_sid": "7", "next": {"out_sid": "8"}}', Parcel("7", next=Parcel("8"))),
        (
            Stock,
            '{"num_iid": 1588826713157361977, "parcel": {"out_sid": "7"}}',
            {"num_iid": 1588826713157361977, "parcel": Parcel("7")},
        ),
        (list[Line], '[{"price": 1}, {"price": 2}]', [Line(price=1), Line(price=2)]),
        (list[dict[str, Any]], '[{"a": 1588826713157361977}]', [{"a": 1588826713157361977}]),
        (list[dict[str, int]], '[{"a": "1"}]', [{"a": 1}]),
        (list, '[1, {"a": null}]', [1, {"a": None}]),
        (dict[str, int], '{"a": "1"}', {"a": 1}),
        (dict[str, Any], '{"a": "1"}', {"a": "1"}),
        (tuple[Line, ...], '[{"price": 1}]', (Line(price=1),)),
        (Place, "[1, 2]", Place(1, 2)),
        (Line | None, '{"price": 1}', Line(price=1)),
        (Line | None, "null", None),
        (Line | None, "", None),
        (Line | None, " \n", None),
        (list[Line] | None, "null", None),
        (dict[str, Any] | None, "", None),
        (dict[str, Any] | None, '{"a": 1}', {"a": 1}),
        (Line | Parcel, '{"out_sid": "7"}', Parcel("7")),
        (Annotated[list[Line], Len(max_length=2)], '[{"price": 1}]', [Line(price=1)]),
        (Annotated[Line | None, "said"], "", None),
        (Annotated[str, Len(min_length=2)], "[]", "[]"),
    ],
    ids=str,
)
def test_the_shapes_that_a_content_may_have(annotation: Any, content: str, expected: object) -> None:
    assert received(annotation, content) == expected


@pytest.mark.parametrize(
    ("annotation", "content", "reason"),
    [
        (Parcel, '{"weight": "private-buyer"}', "out_sid: missing; weight: float_parsing"),
        (Parcel, '{"out_sid": "7", "next": {"lines": [{}]}}', "next.out_sid: missing; next.lines[0].price: missing"),
        (Stock, '{"num_iid": "private-buyer", "parcel": 7}', "num_iid: int_parsing; parcel: dataclass_type"),
        (list[Line], '[{"price": 1}, {"price": "private-buyer"}]', "[1].price: int_parsing"),
        (list[Line], '{"price": 1}', "content: list_type"),
        (dict[str, int], '{"private-buyer": "x", "named": "x"}', "?: int_parsing; ?: int_parsing"),
        (list[dict[str, int]], '[{"private-buyer": "x"}]', "[0].*: int_parsing"),
        (Line | None, "{}", "price: missing"),
        (
            Line | Parcel,
            '{"weight": "x"}',
            "Line.price: missing; Parcel.out_sid: missing; Parcel.weight: float_parsing",
        ),
        (Renamed, '{"t": "x"}', "tradeNumber: missing; t: int_parsing"),
        (Renamed, '{"tradeNumber": 1, "inner": {"t": "x"}}', "inner.t: int_parsing"),
        (Annotated[list[Line], Len(max_length=1)], '[{"price": 1}, {"price": 1}]', "content: too_long"),
        (Annotated[str, Len(min_length=3)], "[]", "content: string_too_short"),
    ],
    ids=str,
)
def test_what_does_not_fit_a_shape_is_told_with_the_names_that_its_types_declare(
    annotation: Any, content: str, reason: str
) -> None:
    """Everything else between braces may be a buyer."""
    assert unfit(annotation, content) == reason


SHAPES = [
    Parcel,
    Stock,
    list[Line],
    list[dict[str, Any]],
    dict[str, float],
    tuple[Line, ...],
    Line | Parcel,
    Line | None,
]


@pytest.mark.parametrize("annotation", SHAPES, ids=str)
@pytest.mark.parametrize(
    "content",
    ["<xml/>", "[", '{"a": NaN}', "[-Infinity]", '[{"a": 1e999}]', "[" * 100_000, "7", '"text"'],
    ids=lambda text: text[:8],
)
def test_what_is_no_strict_json_or_no_object_is_unfit_for_every_shape(annotation: Any, content: str) -> None:
    assert unfit(annotation, content)


@pytest.mark.parametrize("annotation", [each for each in SHAPES if each != Line | None], ids=str)
@pytest.mark.parametrize("content", ["", "null"])
def test_nothing_is_unfit_where_nothing_may_be_none(annotation: Any, content: str) -> None:
    assert unfit(annotation, content)


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (int, "int"),
        (bytes, "bytes"),
        (Any, "Any"),
        (None, "None"),
        (int | None, r"int \| None"),
        (str | None, r"str \| None"),
        (Message | None, r"Message \| None"),
        (dict[str, Any] | str, r"dict \| str"),
        (Callable[..., int], "Callable"),
    ],
    ids=str,
)
def test_what_no_content_can_be_made_into_is_refused_at_once(annotation: Any, name: str) -> None:
    """A bare number or text would be meant for a member of its name."""
    with pytest.raises(BadHandler, match=rf"asks for {name}.*which no content can be made into"):
        received(annotation, "{}")


def test_a_shape_is_called_what_it_is_written_as() -> None:
    """In the table of handlers, and in the fingerprint that tells workers of different releases apart."""
    written = [
        Order,
        dict[str, Any],
        dict[str, int],
        list[Order],
        list[dict[str, object]] | None,
        Annotated[Order | None, 1],
    ]
    assert [named(each) for each in written] == [
        "Order",
        "dict",
        "dict[str, int]",
        "list[Order]",
        "list[dict] | None",
        "Order | None",
    ]


def test_a_model_that_is_never_whole_is_told_at_start_up() -> None:
    """Its messages would fail one by one."""

    class Half(BaseModel):
        line: "NotThere"  # type: ignore[name-defined]  # noqa: F821

    @dataclass
    class HalfToo:
        line: "NotThere"  # type: ignore[name-defined]  # noqa: F821

    for annotation in (Half, HalfToo, list[Half]):
        registry = Registry()

        def handler(content: Any) -> None: ...

        handler.__annotations__["content"] = annotation
        registry.handles("t")(handler)
        with pytest.raises(BadHandler, match="names NotThere, which is not defined"):
            registry.settle()


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
