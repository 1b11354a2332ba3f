"""JSON as platforms write it, which is not always JSON: what can be read is, so that a bad item costs only itself."""

import json
import re
from contextlib import suppress
from typing import Any

import msgspec

from tasks.platforms.errors import MalformedReply

LONGEST_RAW = 64 * 2**10
"""Bytes of an unreadable item that are kept."""
LONGEST_INTEGER = 40
"""Digits; ids have 20 at most, and Python refuses to read or write integers of thousands."""


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= LONGEST_INTEGER else float(digits)


DECODER = json.JSONDecoder(strict=False, parse_int=_integer)
"""Lets raw control characters inside strings pass, which Taobao sends."""

_ESCAPE = re.compile(r'\\(u[0-9A-Fa-f]{4}|["\\/bfnrt])|\\')


def loads(written: str) -> Any:
    """A JSON value. Raises `ValueError`."""
    try:
        return DECODER.decode(written)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def text(body: bytes) -> str:
    """The body as text. Bytes that are no UTF-8 become U+DC80 to U+DCFF, by which `sound` knows the item they spoil."""
    return body.decode("utf-8-sig", "surrogateescape")


def decode(body: bytes) -> dict[str, Any]:
    """The JSON object that a reply's body is. Raises `MalformedReply`, which never quotes the body.

    A backslash that escapes nothing, as in vv-tool's sample, is taken as a backslash: it spoils an inner text at most.
    """
    try:
        root = _loads(body)
    except ValueError as error:
        place = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise MalformedReply(f"the reply is no JSON: {len(body)} bytes, wrong{place}") from None
    if not isinstance(root, dict):
        raise MalformedReply(f"the reply is a JSON {type(root).__name__}, an object was expected")
    return root


def _loads(body: bytes) -> Any:
    """The value, in half the time where the body is JSON to the letter, read without a text of it."""
    with suppress(msgspec.MsgspecError, UnicodeError, RecursionError):
        return msgspec.json.decode(body)
    return _loads_mending(text(body))


def _loads_mending(written: str) -> Any:
    try:
        return loads(written)
    except json.JSONDecodeError as error:
        if "escape" not in error.msg:
            raise
    return loads(_ESCAPE.sub(lambda found: found[0] if found[1] else r"\\", written))


def sound(written: str) -> str:
    """The text as it can be stored: half characters become U+FFFD. Raises `ValueError` for bytes that were no UTF-8.

    msgspec leaves its UTF-8 with the text, so that it costs nothing any more when the text is sent.
    """
    try:
        msgspec.Raw(written)
    except UnicodeEncodeError:
        return _whole(written)
    return written


def _whole(written: str) -> str:
    if any("\udc80" <= character <= "\udcff" for character in written):
        raise ValueError("holds bytes that are no UTF-8")
    return written.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def dumps(value: object) -> str:
    """A value as compact JSON text. Raises `ValueError` for what JSON cannot show."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def raw(value: object) -> str:
    """Whatever came, as JSON text of at most 64 kB that can be stored; "" for what JSON cannot show."""
    try:
        written = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
    return written.encode("utf-8", "backslashreplace")[:LONGEST_RAW].decode("utf-8", "ignore")
