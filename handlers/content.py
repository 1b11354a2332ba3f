"""From a message's text to what a handler's first parameter asks for."""

import json
import math
import re
from collections.abc import Callable
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from handlers.message import Message

Decode = Callable[[Message], Any]

SHOWN_ERRORS = 10

_MEMBER = re.compile(r"\w{1,64}", re.ASCII)
_NO_NUMBER = re.compile(r"NaN|Infinity")


class Unfit(Exception):
    """The content is not what the handler asks for, and no retry can mend it. `reason` names members, never values."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def decoder(annotation: Any) -> Decode | None:
    """What makes the annotated thing of a message; None for an annotation that nothing is known for.

    A pydantic model: the JSON content, validated. `dict`: a JSON object, integers exact. `str`: the raw text. `Message`.
    """
    if annotation is Message:
        return lambda message: message
    if annotation is str:
        return lambda message: message.content
    if annotation is dict or get_origin(annotation) is dict:
        return lambda message: _object(message.content)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return lambda message: _model(annotation, message.content)
    return None


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


def _model(model: type[BaseModel], text: str) -> BaseModel:
    """The model, from JSON without the words NaN and Infinity, which pydantic would let pass."""
    if _NO_NUMBER.search(text):
        _json(text)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False, include_context=False)
        raise Unfit(_reason(wrong)) from None
    except (UnicodeError, RecursionError, OverflowError) as error:
        raise Unfit(f"content: {type(error).__name__}") from None


def _reason(wrong: list[ErrorDetails]) -> str:
    """Members and error types. Deeper names may be keys that came with the message, so only their places are told."""
    said = [f"{_place(error['loc'])}: {error['type']}" for error in wrong[:SHOWN_ERRORS]]
    more = [f"and {len(wrong) - SHOWN_ERRORS} more"] if len(wrong) > SHOWN_ERRORS else []
    return "; ".join(said + more)


def _place(steps: tuple[int | str, ...]) -> str:
    member = str(steps[0]) if steps else "content"
    inner = "".join(f"[{step}]" if isinstance(step, int) else ".*" for step in steps[1:])
    return (member if _MEMBER.fullmatch(member) else "?") + inner
