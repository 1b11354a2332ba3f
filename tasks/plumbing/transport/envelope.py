"""What lies in a queue: a message as kombu writes it, its body as base64 in JSON, at a quarter of the time.

msgspec makes base64 of bytes on the way into JSON and bytes of it on the way out. What kombu does besides (text of the bytes,
bytes of the text, twice each) took longer with 50 kB than all else that is done with a message.
"""

from base64 import b64encode
from typing import Any, TypedDict

import msgspec

from tasks.plumbing.fast_json import TAG, encode, loads

BASE64 = "base64"

Envelope = TypedDict(
    "Envelope",
    {"body": bytes, "content-encoding": Any, "content-type": Any, "headers": Any, "properties": dict[str, Any]},
)
_reader = msgspec.json.Decoder(Envelope)


def written(message: dict[str, Any]) -> bytes:
    """A message on its way into a queue, its body bytes or text."""
    try:
        return msgspec.json.encode(message)
    except UnicodeEncodeError:
        return encode(for_kombu(message))


def for_kombu(message: dict[str, Any]) -> dict[str, Any]:
    """The message with its body as text, which is all that kombu's own JSON can write."""
    body = message["body"]
    return {**message, "body": b64encode(body).decode()} if isinstance(body, bytes) else message


def is_left(body: object, encoding: str | None) -> bool:
    """Whether a body is bytes that are base64 in the message only."""
    return encoding == BASE64 and isinstance(body, bytes)


def read(text: bytes) -> Any:
    """A message out of a queue, by kombu's names; a body that lies there as base64 is bytes. Raises `ValueError` for no JSON."""
    if TAG not in text:
        try:
            found: Any = _reader.decode(text)
        except (msgspec.MsgspecError, UnicodeError):
            pass  # somebody else's way to write it
        else:
            if found["properties"].get("body_encoding") == BASE64:
                return found
    return loads(text)
