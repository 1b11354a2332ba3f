"""What a handler's parameters ask for, and which functions cannot be handlers."""

import inspect
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_type_hints

from handlers.content import Decode, NoShape, decoder, named
from handlers.errors import BadHandler
from handlers.members import members
from handlers.message import Message

RIGHT = (
    "write `def name(content: Model)` or `def name(content: Model, message: Message)`, "
    "where Model is a pydantic model, a dataclass, a TypedDict, a list of such, dict, str or Message; "
    "further parameters are resources, by name"
)

MESSAGE = ""
"""Stands for the message among the names of resources."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a function asks for after its first parameter: names of resources, and `MESSAGE`."""

    by_place: tuple[str, ...] = ()
    by_name: Mapping[str, str] = field(default_factory=dict)
    """Parameter to what it asks for."""

    @property
    def resources(self) -> list[str]:
        """The names of resources alone."""
        return [name for name in (*self.by_place, *self.by_name.values()) if name != MESSAGE]


NOTHING = Asked()
THE_MESSAGE = Asked((MESSAGE,))


@dataclass(frozen=True, slots=True)
class Signature:
    """How to call a handler: what its content becomes, and what else it asks for."""

    decode: Decode
    asked: Asked
    """`NOTHING` and `THE_MESSAGE` themselves where it is no more than that."""
    asks_for: str
    """What the content becomes, by name."""
    members: Callable[[], frozenset[tuple[str, ...]] | None]
    """Its members, each by the names that it may have in JSON; None where it may have any."""


def place_of(function: Callable[..., Any]) -> str:
    """Where the function's source is, as `file:line`."""
    code = inspect.unwrap(function).__code__
    return f"{Path(code.co_filename)}:{code.co_firstlineno}"


def is_method(function: Callable[..., Any]) -> bool:
    """Whether a plain function stands in a class, so that it waits for an object of it."""
    outer = function.__qualname__.rpartition(".")[0] if inspect.isfunction(function) else ""
    return bool(outer) and not outer.endswith("<locals>")


_MANAGERS = tuple(made(lambda: None).__code__ for made in (contextmanager, asynccontextmanager))  # type: ignore[arg-type, return-value]


def is_context_manager(function: Callable[..., Any]) -> bool:
    """Whether `contextlib` has made a context manager of a generator function, which then is called without running any of it."""
    return getattr(function, "__code__", None) in _MANAGERS


def refuse_unless_plain(function: object) -> None:
    """Raise `BadHandler` for what is no function or method of an object: it would not run, or not with a message."""
    name = getattr(function, "__qualname__", type(function).__name__)
    if isinstance(function, partial):
        inner = getattr(function.func, "__name__", "a function")
        raise BadHandler(
            f"a functools.partial of {inner} has no place of its own: write a `def` that calls it; {RIGHT}"
        )
    if isinstance(function, classmethod | staticmethod):
        kind, inner = type(function).__name__, getattr(function.__func__, "__name__", "a function")
        raise BadHandler(f"{inner} is a {kind}: write @{kind} above @handles(…), and register an object of its class")
    if not inspect.isfunction(function) and not inspect.ismethod(function):
        raise BadHandler(f"{name} is no plain function but {type(function).__name__}; {RIGHT}")
    refuse_unless_run(function)


def refuse_unless_run(function: Callable[..., Any]) -> None:
    """Raise `BadHandler` for what would run none of itself when it is called."""
    refuse_unless_placed(function)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise _bad(function, "has a `yield`, so calling it would run none of it")
    if is_context_manager(function):
        raise _bad(function, "is a context manager, so calling it would run none of it")


def refuse_unless_placed(function: Callable[..., Any]) -> None:
    """Raise `BadHandler` for what a decorator has made of no function: nothing could tell where it is."""
    inner = inspect.unwrap(function)
    if not hasattr(inner, "__code__") and not inspect.ismethod(inner):
        made = f"{getattr(function, '__qualname__', type(function).__name__)} wraps a {type(inner).__name__}"
        raise BadHandler(f"{made}, which has no place of its own: write a `def` that calls it; {RIGHT}")


def read_signature(function: Callable[..., Any], names: Mapping[str, Any]) -> Signature:
    """How to call the function. `names` are those around its definition, where annotations written as text are looked up.

    Raises `BadHandler`, or `NameError` while an annotation names something that is not defined yet.
    """
    first, *others = _handed(function)
    if first.kind is first.KEYWORD_ONLY:
        raise _bad(function, "has no parameter for its content that is handed over by its place")
    asked = _asked(function, others, names)
    if why := mismatched(function, asked):
        raise _bad(function, why)
    annotation = _annotation(function, first, names)
    wanted = dict if annotation is inspect.Parameter.empty else annotation
    try:
        return Signature(decoder(wanted), asked, named(wanted), partial(members, wanted))
    except NoShape as error:
        why = f" ({error})" if str(error) else ""
        raise _bad(function, f"asks for {named(wanted)}, which no content can be made into{why}") from None


def read_asked(function: Callable[..., Any], names: Mapping[str, Any]) -> Asked:
    """What a function asks for after its first parameter. Raises `BadHandler`."""
    return _asked(function, _handed(function)[1:], names)


def mismatched(function: Callable[..., Any], asked: Asked, *, first: bool = True) -> str:
    """Why a decorator's wrapper, which shows its function's parameters as its own, cannot be called so; "" where it can."""
    try:
        inspect.signature(function, follow_wrapped=False).bind(*[None] * first, *asked.by_place, **asked.by_name)
    except TypeError as error:
        return f"has a decorator that takes other parameters ({error})"
    return ""


def _handed(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters that may be handed something, at least one."""
    parameters = list(inspect.signature(function).parameters.values())
    for each in parameters:
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            stars = "*" if each.kind is each.VAR_POSITIONAL else "**"
            raise _bad(function, f"takes {stars}{each.name} (a decorator's inner function needs `functools.wraps`)")
    if not parameters:
        raise _bad(function, "has no parameters")
    return parameters


def _asked(function: Callable[..., Any], parameters: list[inspect.Parameter], names: Mapping[str, Any]) -> Asked:
    """By place as long as there is no gap, as a decorator's wrapper may take nothing else; a default of its own is left alone."""
    by_place: list[str] = []
    by_name: dict[str, str] = {}
    gap = False
    for each in parameters:
        name = MESSAGE if _is_message(function, each, names) else each.name
        if name != MESSAGE and each.default is not each.empty:
            gap = True
        elif each.kind is each.KEYWORD_ONLY or (gap and each.kind is not each.POSITIONAL_ONLY):
            by_name[each.name] = name
        elif gap:
            raise _bad(function, f"has a parameter {each.name} that cannot be handed over behind one with a default")
        else:
            by_place.append(name)
    if not by_name and by_place in ([], [MESSAGE]):
        return THE_MESSAGE if by_place else NOTHING
    return Asked(tuple(by_place), by_name)


def _is_message(function: Callable[..., Any], parameter: inspect.Parameter, names: Mapping[str, Any]) -> bool:
    """Whether a parameter after the first asks for the message. Raises `BadHandler` for one that only has its name."""
    try:
        annotation = _annotation(function, parameter, names)
    except (NameError, BadHandler):  # a resource's may be anything: nobody needs it
        annotation = Message if str(parameter.annotation).rpartition(".")[2] == Message.__name__ else None
    if annotation is Message or Message in get_args(annotation):
        return True
    if parameter.name == "message" and parameter.default is parameter.empty:
        raise _bad(function, f"has a parameter {parameter.name} that is not annotated `Message`")
    return False


def _annotation(function: Callable[..., Any], parameter: inspect.Parameter, names: Mapping[str, Any]) -> Any:
    """The annotation itself, also where it, or something inside of it, is written as text."""
    if parameter.annotation is parameter.empty:
        return parameter.annotation

    def probe() -> None: ...

    probe.__annotations__ = {"it": parameter.annotation}
    try:
        around = inspect.unwrap(function).__globals__
        return get_type_hints(probe, around, dict(names), include_extras=True)["it"]  # an `Annotated` may validate
    except NameError:
        raise
    except BaseException:
        raise _bad(function, f"has an annotation that is no type: {parameter.annotation!r}") from None


def _bad(function: Callable[..., Any], why: str) -> BadHandler:
    return BadHandler(f"{place_of(function)}: {function.__name__} {why}; {RIGHT}")
