"""Which function gets a topic, and what is refused when it is registered."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from annotated_types import Gt, Len
from celery import chain, signature

from handlers import BadHandler, BadResource, DuplicateTopic, Handler, Message, Registry, Reject, Retry, Unfit
from handlers.registry import REMEMBERED_TOPICS

if TYPE_CHECKING:
    from decimal import Decimal

    from nowhere import Thing  # type: ignore[import-not-found]

MESSAGE = Message(id="7", topic="t", account="a", platform="taobao", content='{"tid": 1}')


def winner(registry: Registry, topic: str) -> str | None:
    handler = registry.find(topic)
    return handler.function.__name__ if handler else None


def test_a_decorated_function_stays_itself() -> None:
    """It can be called and tested like any other."""

    def on_paid(content: dict[str, Any]) -> None: ...

    assert Registry().handles("t")(on_paid) is on_paid


def test_an_exact_topic_wins_over_a_pattern_and_a_longer_pattern_over_a_shorter() -> None:
    """In whatever order they are registered; of equals the first."""
    registry = Registry()

    @registry.handles("*")
    def anything(content: str) -> None: ...

    @registry.handles("taobao_trade_*")
    def trade(content: str) -> None: ...

    @registry.handles("taobao_*")
    def taobao(content: str) -> None: ...

    @registry.handles("taobao_trade_Trade????")
    def short(content: str) -> None: ...

    @registry.handles("taobao_trade_TradeClose")
    def close(content: str) -> None: ...

    @registry.handles("*_item_[AB]*")
    def first(content: str) -> None: ...

    @registry.handles("*_item_[BC]*")
    def second(content: str) -> None: ...

    assert winner(registry, "taobao_trade_TradeClose") == "close"
    assert winner(registry, "taobao_trade_TradeRate") == "short"
    assert winner(registry, "taobao_trade_TradeSuccess") == "trade"
    assert winner(registry, "taobao_item_ItemAdd") == "taobao"
    assert winner(registry, "qm_item_B") == "first"
    assert winner(registry, "qianmi_x") == "anything"


def test_topics_are_matched_by_case_and_as_a_whole() -> None:
    """A line break does not end a topic, nor does a prefix match it."""
    registry = Registry()

    @registry.handles("taobao_trade_TradeClose", "qianmi_*_x")
    def one(content: str) -> None: ...

    for topic in ("taobao_trade_tradeclose", "taobao_trade_TradeCloseAnd", "QIANMI_a_x", "qianmi_a_x\n", ""):
        assert registry.find(topic) is None
    assert winner(registry, "qianmi_a\nb_x") == "one"


def test_fallbacks_are_asked_last_and_never_clash() -> None:
    """What ships gives way to any handler of the user's, even to a looser pattern."""
    registry = Registry()

    @registry.handles("taobao_trade_TradeClose", fallback=True)
    def shipped(content: str) -> None: ...

    @registry.handles("taobao_trade_TradeClose", fallback=True)
    def shipped_too(content: str) -> None: ...

    assert winner(registry, "taobao_trade_TradeClose") == "shipped"

    @registry.handles("taobao_*")
    def mine(content: str) -> None: ...

    assert winner(registry, "taobao_trade_TradeClose") == "mine"


@pytest.mark.parametrize("topic", ["taobao_trade_TradeClose", "taobao_*"])
def test_a_topic_registered_twice_names_both_places(topic: str) -> None:
    """By function, file and line."""
    registry = Registry()

    @registry.handles(topic)
    def one(content: str) -> None: ...

    with pytest.raises(DuplicateTopic) as caught:

        @registry.handles("other", topic)
        def two(content: str) -> None: ...

    said = str(caught.value)
    assert topic in said
    for name, function in (("one", one), ("two", None)):
        assert f"{name} at {__file__}:" in said
        assert function is None or f":{function.__code__.co_firstlineno}" in said


def test_the_same_function_registered_again_is_no_duplicate() -> None:
    """A module that is reloaded replaces its handlers."""
    registry = Registry()

    def load() -> Callable[..., Any]:
        @registry.handles("t", "t_*")
        def one(content: str) -> None: ...

        return one

    load()
    latest = load()
    handler = registry.find("t")
    assert handler is not None
    assert handler.function is latest
    assert len(list(registry)) == 2


def test_many_unknown_topics_fill_no_memory() -> None:
    """Topics come from outside."""
    registry = Registry()
    for number in range(REMEMBERED_TOPICS + 10):
        registry.find(f"garbage{number}")
    assert len(registry._found) <= REMEMBERED_TOPICS


def called(registry: Registry, topic: str = "t") -> Handler:
    handler = registry.find(topic)
    assert handler is not None
    return handler


def test_annotations_written_as_text_are_understood() -> None:
    """This file has them all as text; names of the surrounding function count, also those defined later."""
    registry = Registry()
    got: list[object] = []

    class Here(dict):  # type: ignore[type-arg]
        """Only to be named."""

    @registry.handles("t")
    def one(content: dict[str, Any], message: Message) -> Thing:
        got.extend([content, message])

    called(registry).call(MESSAGE)
    assert got == [{"tid": 1}, MESSAGE]
    with pytest.raises(BadHandler, match="asks for Here"):

        @registry.handles("u")
        def two(content: Here) -> None: ...


def few(content: Annotated[dict[str, Any], Len(2)]) -> None: ...
def small(content: dict[str, Annotated[int, Gt(1)]]) -> None: ...
def short(content: Annotated[str, Len(12)], message: Annotated[Message, "said"]) -> None: ...


@pytest.mark.parametrize(("function", "fits"), [(few, '{"a": 2, "b": 2}'), (small, "{}"), (short, '{"tid": 11111}')])
def test_what_an_annotation_written_as_text_validates_is_validated(function: Callable[..., Any], fits: str) -> None:
    """As that of the same annotation which is none of a text."""
    registry = Registry()
    registry.handles("t")(function)
    called(registry).call(replace(MESSAGE, content=fits))
    with pytest.raises(Unfit):
        called(registry).call(MESSAGE)


def test_an_annotated_message_is_the_message() -> None:
    registry, got = Registry(), list[Message]()

    @registry.handles("t")
    def one(message: Annotated[Message, "said"]) -> None:
        got.append(message)

    called(registry).call(MESSAGE)
    assert got == [MESSAGE]


def test_a_name_that_is_defined_later_is_looked_up_again() -> None:
    """A model may stand below its handler."""
    registry = Registry()
    got: list[object] = []

    @registry.handles("t")
    def one(content: Later) -> None:  # type: ignore[name-defined]  # noqa: F821
        got.append(content)

    globals()["Later"] = str
    try:
        called(registry).call(MESSAGE)
    finally:
        del globals()["Later"]
    assert got == [MESSAGE.content]


def test_a_name_that_is_defined_nowhere_is_told_at_start_up() -> None:
    """With the handler's place."""
    registry = Registry()

    @registry.handles("t")
    def one(content: Decimal) -> None: ...

    said = r"test_registry.py:\d+: one has an annotation that names Decimal, .*outside of `if TYPE_CHECKING:`"
    with pytest.raises(BadHandler, match=said):
        called(registry).settle()


def test_a_parameter_without_annotation_gets_a_dict() -> None:
    """And keyword parameters with defaults are left alone."""
    registry = Registry()
    got: list[object] = []

    @registry.handles("t")
    def one(content, *, into=got):  # type: ignore[no-untyped-def]
        into.append(content)

    called(registry).call(MESSAGE)
    assert got == [{"tid": 1}]


def test_a_wrapped_function_is_read_through_its_wrapper() -> None:
    """A decorator of the user's, made with functools.wraps, may stand between."""
    registry = Registry()
    got: list[object] = []

    def twice(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def inner(*args: Any) -> None:
            function(*args)
            function(*args)

        return inner

    @registry.handles("t")
    @twice
    def one(content: str, message: Message) -> None:
        got.append(message.id)

    called(registry).call(MESSAGE)
    assert got == ["7", "7"]


def bad_nothing() -> None: ...


def bad_star(*content: dict[str, Any]) -> None: ...


def bad_stars(content: dict[str, Any], **more: Any) -> None: ...


def bad_only_keyword(*, content: dict[str, Any]) -> None: ...


def bad_gap(content: dict[str, Any], limit: int = 3, message: Message = MESSAGE, /) -> None: ...


def bad_annotation(content: int) -> None: ...


def bad_union(content: dict[str, Any] | str) -> None: ...


def bad_list(content: list[functools.partial[str]]) -> None: ...


def bad_text(content: "not a (type") -> None: ...  # type: ignore[valid-type]  # noqa: F722


def bad_member(content: functools.Nothing) -> None: ...  # type: ignore[name-defined]


def bad_second(content: dict[str, Any], message: str) -> None: ...


def bad_bare_second(content: dict[str, Any], message) -> None: ...  # type: ignore[no-untyped-def]


def bad_generator(content: dict[str, Any]) -> Any:
    yield


class BadClass:
    """No function."""

    def bad_method(self, number: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (bad_nothing, "has no parameters"),
        (bad_star, r"takes \*content \(a decorator's inner function needs `functools.wraps`\)"),
        (bad_stars, r"takes \*\*more"),
        (bad_only_keyword, "has no parameter for its content"),
        (bad_gap, "has a parameter message that cannot be handed over behind one with a default"),
        (bad_annotation, "asks for int, which no content can be made into"),
        (bad_union, r"asks for dict \| str, which no content can be made into"),
        (bad_list, r"asks for list\[partial\[str\]\], which no content can be made into \(Unable to generate"),
        (bad_text, "has an annotation that is no type"),
        (bad_member, "has an annotation that is no type"),
        (bad_second, "has a parameter message that is not annotated `Message`"),
        (bad_bare_second, "has a parameter message that is not annotated `Message`"),
        (bad_generator, "has a `yield`"),
        (contextmanager(bad_generator), "is a context manager"),
        (BadClass, "is no plain function"),
        (BadClass().bad_method, "asks for"),
        (
            functools.partial(bad_text),
            r"a functools.partial of bad_text has no place of its own: write a `def` that calls it",
        ),
        (5, "is no plain function"),
    ],
)
def test_a_function_that_cannot_be_called_with_a_message_is_refused(function: Any, why: str) -> None:
    """At once, saying why and what is right."""
    with pytest.raises(BadHandler, match=why) as caught:
        Registry().handles("t")(function)
    assert "def name(content: Model, message: Message)" in str(caught.value)


@pytest.mark.parametrize("topics", [(), ("",), (" t",), ("t\n",), (5,), (None,), (bad_text,)])
def test_a_topic_that_is_none_is_refused(topics: tuple[Any, ...]) -> None:
    """Also `@handles` without its parentheses."""
    with pytest.raises(BadHandler, match="topic"):
        Registry().handles(*topics)


async def slowly(part: str) -> AsyncIterator[str]:
    yield part


@pytest.mark.parametrize(
    "lazy",
    [
        lambda part: (each for each in part),
        functools.partial(map, print),
        functools.partial(filter, print),
        contextmanager(iter),
        asynccontextmanager(slowly),
        lambda part: [5, (each for each in part)],
        lambda part: signature("shop.send", (part,)),
        lambda part: [chain(signature("shop.send"), signature("shop.note"))],
    ],
)
def test_a_handler_that_returns_something_yet_to_run_has_failed(lazy: Callable[[str], object]) -> None:
    """Nothing would ever run it, and the message would count as handled."""
    registry = Registry()

    @registry.handles("t")
    def one(content: str) -> object:
        return lazy(content)

    with pytest.raises(TypeError, match="one returned something that has yet to run"):
        called(registry).call(MESSAGE)


def test_a_signature_that_is_returned_is_told_with_both_ways_out() -> None:
    """One that was sent does not differ from one that nobody has sent."""
    registry = Registry()

    @registry.handles("t")
    def one(content: str) -> object:
        return signature("shop.send", (content,))

    with pytest.raises(
        TypeError, match=r"\(Celery's signature\): return what its `delay\(\)` returns, or nothing once it is sent"
    ):
        called(registry).call(MESSAGE)


def retried(times: int) -> Callable[..., Any]:
    def decorator(function):  # type: ignore[no-untyped-def]  # with an annotation it is refused for that
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return [function(*args) for _ in range(times)]

        return wrapper

    return decorator


def twice(content: str) -> object:
    return functools.partial(print, content)


@pytest.mark.parametrize(("function", "is_right"), [(retried(2), False), (twice, False), (lambda content: print, True)])
def test_a_decorator_without_its_parentheses_calls_no_handler(function: Callable[..., Any], is_right: bool) -> None:
    """It makes a function of the content, and the message would count as handled."""
    registry = Registry()
    registry.handles("t")(function)
    with nullcontext() if is_right else pytest.raises(TypeError, match=r"returned a function .* lack its parentheses"):
        called(registry).call(MESSAGE)


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset, lambda all_: dict(enumerate(all_))])
@pytest.mark.parametrize("is_async", [False, True])
def test_each_of_several_that_a_handler_returns_is_waited_for(kind: Callable[[Any], object], is_async: bool) -> None:
    """A list of coroutines that nobody awaited has done nothing, and of its executor's Futures each may have failed."""
    registry, done, pool = Registry(), list[str](), ThreadPoolExecutor(1)

    async def save(name: str) -> None:
        await asyncio.sleep(0)
        if name == "bad":
            raise Retry("busy")
        done.append(name)

    def all_(names: str) -> object:
        return kind([*map(save, names.split()), pool.submit(done.append, "thread"), 5])

    def one(content: str) -> object:
        return all_(content)

    async def two(content: str) -> object:
        return all_(content)

    registry.handles("t")(two if is_async else one)
    with pool:
        called(registry).call(replace(MESSAGE, content="a b"))
        assert sorted(done) == ["a", "b", "thread"]
        with pytest.raises(Retry):
            called(registry).call(replace(MESSAGE, content="bad"))


@pytest.mark.parametrize("returned", [Reject("not ours"), Retry("busy", delay=5), Reject, Retry, OSError()])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_handler_that_returns_what_it_was_to_raise_has_failed(returned: object, is_async: bool) -> None:
    """Its message was not handled, and must not be confirmed."""
    registry = Registry()

    def one(content: str) -> object:
        return returned

    async def two(content: str) -> object:
        return returned

    registry.handles("t")(two if is_async else one)
    with pytest.raises(TypeError, match=r"returned a (Reject|Retry|OSError); write `raise`"):
        called(registry).call(MESSAGE)


def test_who_asks_for_the_message_first_is_told_that_this_is_the_content() -> None:
    registry = Registry()

    @registry.handles("t")
    def one(message: Message, content: dict[str, Any]) -> None: ...

    with pytest.raises(
        BadResource, match=r"one at \S+ \(whose content is its first parameter, a Message\) asks for content"
    ):
        registry.settle()


@pytest.mark.parametrize("raised", [Reject("not ours"), Retry("busy", delay=5)])
def test_what_a_task_of_a_handler_decides_is_decided(raised: Exception) -> None:
    """A `TaskGroup` makes a group of it."""
    registry = Registry()

    async def reserve() -> None:
        raise raised

    @registry.handles("t")
    async def one(content: str) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(reserve())

    with pytest.raises(type(raised)) as caught:
        called(registry).call(MESSAGE)
    assert caught.value is raised
    assert isinstance(raised.__cause__, ExceptionGroup)


@pytest.mark.parametrize("others", [[ValueError()], [Retry()], [SystemExit()], [ExceptionGroup("g", [ValueError()])]])
def test_a_group_of_different_errors_stays_one(others: list[BaseException]) -> None:
    """What else went wrong may well be mended by another try."""
    registry, group = Registry(), BaseExceptionGroup("g", [Reject("not ours"), *others])

    @registry.handles("t")
    def one(content: str) -> None:
        raise group

    with pytest.raises(BaseExceptionGroup) as caught:
        called(registry).call(MESSAGE)
    assert caught.value is group


@pytest.mark.parametrize("returned", [None, True, {"a": 1}, object()])
def test_whatever_else_a_handler_returns_means_handled(returned: object) -> None:
    """Nobody looks at it."""
    registry = Registry()

    @registry.handles("t")
    def one(content: str) -> object:
        return returned

    called(registry).call(MESSAGE)


PAIR = ("TradeCreate", "taobao_trade_TradeCreate")


def function(name: str) -> Callable[..., Any]:
    """A handler of that name."""

    def one(content: str) -> None: ...

    one.__name__ = name
    return one


@pytest.mark.parametrize("came", PAIR)
@pytest.mark.parametrize("written", [*PAIR, "taobao_trade_*", "taobao_trade_Trade[C]*", "Trade*", "*Create"])
def test_a_short_name_and_the_full_one_meet_the_same_handler(written: str, came: str) -> None:
    """Whichever the platform sends, and whichever was registered."""
    registry = Registry()
    registry.handles(written)(function("mine"))
    assert winner(registry, came) == "mine"


def test_an_exact_handler_of_the_spelling_that_came_wins() -> None:
    registry = Registry()
    for topic in (*PAIR, "*"):
        registry.handles(topic)(function(topic))
    for topic in PAIR:
        assert winner(registry, topic) == topic
        assert registry.short_names.full_name(topic) == topic


def test_a_topic_has_its_full_name_also_where_the_short_one_is_registered() -> None:
    """A handler's own code sees one name, whatever the platform writes."""
    registry = Registry()
    registry.handles("TradeCreate")(function("mine"))
    registry.handles("*")(function("any"))
    assert registry.short_names.full_name("TradeCreate") == "taobao_trade_TradeCreate"
    assert [winner(registry, topic) for topic in PAIR] == ["mine", "mine"]


def test_a_short_name_that_fits_several_topics_picks_none_of_them() -> None:
    """Rather nobody than the wrong model."""
    registry = Registry()
    registry.handles("taobao_trade_TradeCreate")(function("trade"))
    registry.handles("taobao_fuwu_TradeCreate")(function("service"))
    assert registry.short_names.meant("TradeCreate") == ["taobao_fuwu_TradeCreate", "taobao_trade_TradeCreate"]
    assert registry.find("TradeCreate") is None
    assert registry.short_names.full_name("TradeCreate") == "TradeCreate"
    registry.handles("*")(function("any"))
    assert winner(registry, "TradeCreate") == "any"


def test_a_short_registration_takes_no_topic_that_only_looks_like_the_one_it_means() -> None:
    registry = Registry()
    registry.handles("TradeCreate")(function("mine"))
    assert registry.find("taobao_fuwu_TradeCreate") is None


@pytest.mark.parametrize("topic", ["tradecreate", "TradeCreat", "Create", "trade_TradeCreate", "", "_TradeCreate"])
def test_what_is_no_short_name_of_a_known_topic_stays_what_it_is(topic: str) -> None:
    registry = Registry()
    registry.handles("taobao_trade_TradeCreate")(function("mine"))
    assert registry.find(topic) is None
    assert registry.short_names.full_name(topic) == topic


def test_a_platform_without_short_names_gets_none() -> None:
    registry = Registry()
    registry.handles("taobao_trade_TradeCreate")(function("mine"))
    assert winner(registry, "TradeCreate") == "mine"
    assert registry.find("TradeCreate", as_it_is=True) is None


@pytest.mark.parametrize("written", ["itemDownShelf", "itemDown*"])
def test_a_short_registration_meets_the_full_topic_of_a_platform_without_short_names(written: str) -> None:
    """Nothing says to a user which platform's topics may be written short; `handlers try` takes it so too."""
    registry = Registry()
    registry.handles(written)(function("mine"))
    for as_it_is in (False, True):
        handler = registry.find("qianmi_item_itemDownShelf", as_it_is=as_it_is)
        assert handler
        assert handler.function.__name__ == "mine"


def test_a_registered_topic_without_a_model_has_a_short_name_too() -> None:
    registry = Registry()
    registry.handles("taobao_fuwu_OrderPaid")(function("mine"))
    assert registry.short_names.full_name("OrderPaid") == "taobao_fuwu_OrderPaid"
    assert winner(registry, "OrderPaid") == "mine"


@pytest.mark.parametrize("written", ["OrderPaid", "OrderP*"])
def test_a_short_name_that_no_model_has_meets_the_full_one_too(written: str) -> None:
    """Platforms have more topics than there are models; its messages must not go by the handler in silence."""
    registry = Registry()
    registry.handles(written)(function("mine"))
    assert [winner(registry, topic) for topic in ("OrderPaid", "taobao_fuwu_OrderPaid")] == ["mine", "mine"]


def test_a_handler_tells_what_it_is_called_and_what_it_asks_for() -> None:
    registry = Registry()
    registry.handles("t")(function("mine"))
    handler = registry.find("t")
    assert handler is not None
    assert handler.model == "str"
    assert handler.name.startswith(f"{__name__}.function")
