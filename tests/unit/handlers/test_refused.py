"""What a stranger may write in place of a registration: each is told in a sentence at the start, and not by its messages."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, Optional, Union

import pytest
from pydantic import BaseModel

import handlers
from handlers import BadAround, BadHandler, BadResource, Message, Registry, Retry
from handlers.message import Misused

MESSAGE = Message(id="7", topic="t", account="a", platform="taobao", content='{"tid": 1}')


class Trade(BaseModel):
    """One of a module."""

    tid: int


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.mark.parametrize(
    "annotation", [list["Trade"], dict[str, "Trade"], Optional["Trade"], Union["Trade", None], "list['Trade']"]
)
def test_a_name_may_be_written_as_text_inside_of_a_shape(registry: Registry, annotation: Any) -> None:
    seen = []

    def on_t(content: Any) -> None:
        seen.append(content)

    on_t.__annotations__["content"] = annotation
    registry.handles("t")(on_t)
    registry.settle()
    handler = registry.find("t")
    assert handler
    text = {"list": '[{"tid": 1}]', "dict": '{"a": {"tid": 1}}'}
    handler.call(
        Message("1", "t", "a", "taobao", next((v for k, v in text.items() if k in str(annotation)), '{"tid": 1}'))
    )
    found = seen[0]
    assert Trade(tid=1) in (
        found if isinstance(found, list) else found.values() if isinstance(found, dict) else [found]
    )


def test_any_model_at_all_is_no_shape(registry: Registry) -> None:
    def on_t(content: BaseModel) -> None: ...

    with pytest.raises(BadHandler, match="asks for BaseModel, which no content can be made into; write"):
        registry.handles("t")(on_t)


def passes_two_on(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(content: Any, message: Any) -> None:
        function(content)

    return inner


def passes_others_on(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(content: Any, *, request: Any) -> None:
        function(content)

    return inner


def takes_one(content: dict[str, Any]) -> None: ...


@pytest.mark.parametrize("decorator", [passes_two_on, passes_others_on])
def test_a_decorator_that_cannot_be_called_as_its_function_is_refused(
    registry: Registry, decorator: Callable[..., Any]
) -> None:
    with pytest.raises(
        BadHandler, match=r"takes_one has a decorator that takes other parameters \(missing .*\); write"
    ):
        registry.handles("t")(decorator(takes_one))


def test_a_decorator_that_passes_everything_on_or_takes_more_by_itself_is_none_of_these(registry: Registry) -> None:
    @functools.wraps(takes_one)
    def inner(content: Any, seconds: int = 5) -> None: ...

    @functools.wraps(takes_one)
    def all_on(*args: Any, **kwargs: Any) -> None: ...

    registry.handles("t")(inner)
    registry.handles("u")(all_on)


@pytest.mark.parametrize("inner", [functools.partial(takes_one), print, Trade])
def test_what_wraps_no_function_is_refused(registry: Registry, inner: Any) -> None:
    @functools.wraps(inner)
    def on_t(content: dict[str, Any]) -> None: ...

    with pytest.raises(
        BadHandler, match=f"wraps a {type(inner).__name__}, which has no place of its own: write a `def`"
    ):
        registry.handles("t")(on_t)


@pytest.mark.parametrize("topics", ["a_*, b_*", "a_* b_*", "a_*;b_*", "a_*|b_*"])
def test_several_topics_in_one_text_are_told(registry: Registry, topics: str) -> None:
    with pytest.raises(BadHandler, match=r'is no topic but several: write @handles\("a_\*", "b_\*"\)'):
        registry.handles(topics)


@pytest.mark.parametrize("kind", [classmethod, staticmethod])
def test_a_method_of_a_class_is_told_to_stand_below(registry: Registry, kind: Any) -> None:
    with pytest.raises(
        BadHandler, match=rf"takes_one is a {kind.__name__}: write @{kind.__name__} above @handles\(…\)"
    ):
        registry.handles("t")(kind(takes_one))


@pytest.mark.parametrize("other", [None, "shop", handlers])
def test_what_is_no_registry_is_not_included(registry: Registry, other: Any) -> None:
    with pytest.raises(BadHandler, match=r"include takes a Registry, .* is none"):
        registry.include(other)


def test_a_registry_has_no_name() -> None:
    with pytest.raises(BadResource, match=r"Registry\('shop'\): write Registry\(\)"):
        Registry("shop")  # type: ignore[arg-type]


def test_brackets_without_anything_in_them_are_left_out(registry: Registry) -> None:
    with pytest.raises(BadAround, match=r"write `@around` above"):
        registry.around()
    with pytest.raises(BadResource, match=r"write `@resource` above"):
        registry.resources.resource()


def test_a_member_with_a_space_around_it_is_none(registry: Registry) -> None:
    with pytest.raises(BadHandler, match="key=' tid': write the name of a member"):
        registry.handles("t", key=" tid")


def test_a_delay_behind_the_reason_is_told_with_what_to_write() -> None:
    with pytest.raises(Misused, match=r'^write the delay by its name: Retry\("stock is busy", delay=5\)$'):
        Retry("stock is busy", 5)  # type: ignore[arg-type]


def around(message: Message) -> Iterator[None]:
    yield


def test_an_around_of_a_decorator_that_takes_other_parameters_is_refused_too(registry: Registry) -> None:
    @functools.wraps(around)
    def inner(message: Message, seconds: Any) -> Iterator[None]:
        yield

    with pytest.raises(BadAround, match="around has a decorator that takes other parameters"):
        registry.around(inner)


def test_a_resource_of_a_decorator_that_takes_other_parameters_is_refused_too(registry: Registry) -> None:
    def engine() -> str:
        return "engine"

    @functools.wraps(engine)
    def inner(seconds: int) -> str:
        return engine()

    with pytest.raises(BadResource, match=r"engine has a decorator that takes other parameters \(missing .*seconds"):
        registry.resources.resource(inner)
