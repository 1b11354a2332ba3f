"""What a handler's parameters ask for, and which functions cannot be handlers."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from handlers.content import Decode, decoder
from handlers.errors import BadHandler
from handlers.message import Message

RIGHT = (
    "write `def name(content: Model)` or `def name(content: Model, message: Message)`, "
    "where Model is a pydantic model, dict, str or Message"
)


@dataclass(frozen=True, slots=True)
class Signature:
    """How to call a handler: what its content becomes, and whether it wants the message too."""

    decode: Decode
    wants_message: bool
    asks_for: str
    """What the content becomes, by name."""


def place_of(function: Callable[..., Any]) -> str:
    """Where the function's source is, as `file:line`."""
    code = inspect.unwrap(function).__code__
    return f"{Path(code.co_filename)}:{code.co_firstlineno}"


def refuse_unless_plain(function: object) -> None:
    """Raise `BadHandler` for what is no plain function: it would not run, or not with a message."""
    name = getattr(function, "__qualname__", type(function).__name__)
    if inspect.isclass(function) or not inspect.isfunction(function):
        raise BadHandler(f"{name} is no plain function; {RIGHT}")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise _bad(function, "is async, which nothing would await")
    if inspect.isgeneratorfunction(function):
        raise _bad(function, "has a `yield`, so calling it would run none of it")
    if "." in name and not name.rpartition(".")[0].endswith("<locals>"):
        raise _bad(function, "is a method; a handler is a plain function of a module")


def read_signature(function: Callable[..., Any], names: Mapping[str, Any]) -> Signature:
    """How to call the function. `names` are those around its definition, where annotations written as text are looked up.

    Raises `BadHandler`, or `NameError` while an annotation names something that is not defined yet.
    """
    first, second = _positional(function)
    if second is not None and _annotation(function, second, names) is not Message:
        raise _bad(function, f"has a second parameter {second.name} that is not annotated `Message`")
    annotation = _annotation(function, first, names)
    wanted = dict if annotation is inspect.Parameter.empty else annotation
    asks_for = getattr(wanted, "__name__", str(wanted))
    decode = decoder(wanted)
    if decode is None:
        raise _bad(function, f"asks for {asks_for}, which no content can be made into")
    return Signature(decode, second is not None, asks_for)


def _positional(function: Callable[..., Any]) -> tuple[inspect.Parameter, inspect.Parameter | None]:
    """The one or two parameters that are handed something."""
    parameters = list(inspect.signature(function).parameters.values())
    for each in parameters:
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            raise _bad(function, f"takes {'*' if each.kind is each.VAR_POSITIONAL else '**'}{each.name}")
        if each.kind is each.KEYWORD_ONLY and each.default is each.empty:
            raise _bad(function, f"has a parameter {each.name} that nothing is given for")
    handed = [each for each in parameters if each.kind is not each.KEYWORD_ONLY]
    if not 1 <= len(handed) <= 2:
        raise _bad(function, f"has {len(handed) or 'no'} parameters")
    return handed[0], handed[1] if len(handed) == 2 else None


def _annotation(function: Callable[..., Any], parameter: inspect.Parameter, names: Mapping[str, Any]) -> Any:
    """The annotation itself, also where it is written as text."""
    if not isinstance(parameter.annotation, str):
        return parameter.annotation

    def probe() -> None: ...

    probe.__annotations__ = {"it": parameter.annotation}
    try:
        return get_type_hints(probe, inspect.unwrap(function).__globals__, dict(names))["it"]
    except NameError:
        raise
    except BaseException:
        raise _bad(function, f"has an annotation that is no type: {parameter.annotation!r}") from None


def _bad(function: Callable[..., Any], why: str) -> BadHandler:
    return BadHandler(f"{place_of(function)}: {function.__name__} {why}; {RIGHT}")
