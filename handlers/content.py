"""From a message's text to what a handler's first parameter asks for."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic_core import ErrorDetails

from handlers.members import declared, is_model
from handlers.message import Message

Decode = Callable[[Message], Any]

SHOWN_ERRORS = 10

_MEMBER = re.compile(r"\w{1,64}", re.ASCII)
_NO_NUMBER = re.compile(r"NaN|Infinity")
_NOTHING = re.compile(r"(?!)")
_NO_NUMBER_OR_HUGE = re.compile(rf"{_NO_NUMBER.pattern}|[eE]\+?[0-9]{{3}}")  # 1e999: twice the time for a text


class Unfit(Exception):
    """The content is not what the handler asks for, and no retry can mend it. `reason` names members, never values."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoShape(Exception):
    """No content can be made into what is asked for; the text says why, where there is a reason to tell."""


def decoder(annotation: Any) -> Decode:
    """What makes the annotated thing of a message.

    `Message`; `str`: the raw text, validated where it is `Annotated`; `dict`: a JSON object, integers exact. A pydantic model, a
    dataclass, a TypedDict, a list, tuple or dict of such, or one of several: the JSON content, validated; with `None` among them,
    null or no content too.
    Raises `NoShape`, or `NameError` while something that it names is not defined yet.
    """
    plain = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    if plain is Message:
        return lambda message: message
    if annotation is str:
        return lambda message: message.content
    if plain is str:
        text = _Shape(annotation, TypeAdapter(annotation).validate_python, _NOTHING)
        return lambda message: text.of(message.content)
    if annotation is dict or (get_origin(annotation) is dict and get_args(annotation) in _ANY_OBJECT):
        return lambda message: _object(message.content)
    if not _is_shape(annotation):
        raise NoShape
    shape = _Shape(annotation, _validator(annotation), _NO_NUMBER if is_model(annotation) else _NO_NUMBER_OR_HUGE)
    if _may_be_none(annotation):
        return lambda message: shape.of(message.content) if message.content.strip() else None
    return lambda message: shape.of(message.content)


def named(annotation: Any) -> str:
    """What an annotation is called, as it is written: `Order`, `list[Order]`, `Order | None`; `dict` for any object."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return named(inner[0])
    if origin in (Union, UnionType):
        return " | ".join(map(named, inner))
    if annotation is NoneType or annotation is ...:
        return "None" if annotation is NoneType else "..."
    name = str(getattr(annotation, "__name__", annotation))
    if not inner or (origin is dict and inner in _ANY_OBJECT):
        return name
    return f"{name}[{', '.join(map(named, inner))}]"


_ANY_OBJECT = ((str, Any), (str, object), (Any, Any))


def _is_shape(annotation: Any) -> bool:
    """Whether objects and lists of JSON can be such. A bare `int` is none: it would be meant for a member."""
    annotation = getattr(annotation, "__value__", annotation)  # of `type Name = …`
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _is_shape(inner[0])
    if origin in (Union, UnionType):
        some = [each for each in inner if each is not NoneType]
        return bool(some) and all(map(_is_shape, some))
    kind = origin or annotation
    return (
        isinstance(kind, type)
        and kind not in (Message, BaseModel)
        and (issubclass(kind, BaseModel | dict | list | tuple) or is_dataclass(kind))
    )


def _may_be_none(annotation: Any) -> bool:
    annotation = getattr(annotation, "__value__", annotation)
    if get_origin(annotation) is Annotated:
        return _may_be_none(get_args(annotation)[0])
    return get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation)


def _validator(annotation: Any) -> Callable[[str], Any]:
    """Pydantic's own, complete. Raises `NoShape`, or `NameError`."""
    try:
        if is_model(annotation):
            if not annotation.__pydantic_complete__:
                annotation.model_rebuild()
            made: Callable[[str], Any] = annotation.model_validate_json
            return made
        adapter = TypeAdapter(annotation)
        if not adapter.pydantic_complete:
            adapter.rebuild(raise_errors=True)
    except PydanticUndefinedAnnotation:
        raise
    except PydanticUserError as error:
        raise NoShape(error.message.partition("\n")[0]) from None
    except TypeError as error:
        raise NoShape(str(error)) from None
    return adapter.validate_json


def _object(text: str) -> dict[str, Any]:
    content = _json(text)
    if not isinstance(content, dict):
        raise Unfit(f"content: JSON, but no object ({type(content).__name__})")
    return content


def _json(text: str) -> Any:
    """Strict JSON: no NaN, no infinity, no number too long to read, nothing nested too deeply."""
    try:
        return _STRICT.decode(text)
    except json.JSONDecodeError as error:
        raise Unfit(f"content: not JSON (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise Unfit("content: nested too deeply") from None
    except ValueError:
        raise Unfit("content: a number that cannot be read") from None


def _refuse(word: str) -> None:
    raise ValueError(word)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


_STRICT = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)


@dataclass(slots=True)
class _Shape:
    """What pydantic makes of a content."""

    annotation: Any
    validate: Callable[[str], Any]
    suspect: re.Pattern[str]

    def of(self, text: str) -> Any:
        """What is asked for, from strict JSON: pydantic would let the words NaN and Infinity pass, and 1e999 as infinity."""
        if self.suspect.search(text):
            _json(text)
        try:
            return self.validate(text)
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False, include_context=False)
            raise Unfit(_reason(wrong, declared(self.annotation))) from None
        except (UnicodeError, RecursionError, OverflowError) as error:
            raise Unfit(f"content: {type(error).__name__}") from None


def _reason(wrong: list[ErrorDetails], declared: frozenset[str]) -> str:
    """Members and error types. Names that nobody declared may be keys that came with the message: only their places are told."""
    said = [f"{_place(error, declared)}: {error['type']}" for error in wrong[:SHOWN_ERRORS]]
    more = [f"and {len(wrong) - SHOWN_ERRORS} more"] if len(wrong) > SHOWN_ERRORS else []
    return "; ".join(said + more)


def _place(error: ErrorDetails, declared: frozenset[str]) -> str:
    told = ""
    for step in error["loc"]:
        if isinstance(step, int):
            told += f"[{step}]"
        elif step in declared or (not told and error["type"] == "extra_forbidden" and _MEMBER.fullmatch(step)):
            told += f".{step}" if told else step
        else:
            told += ".*" if told else "?"
    return told or "content"
