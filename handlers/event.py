"""A message as other programs get it, over a webhook or in a stream: the same members, and the key to be idempotent by."""

import json
import re
from hashlib import blake2b

from handlers.message import Message

PLAIN = re.compile(r"[A-Za-z0-9_-]{1,120}", re.ASCII)
"""What a key may be made of: in a signed text, full stops stand between its parts."""


def idempotency_key(message: Message) -> str:
    """The same text at each delivery of a message, and another one for every other message of any platform."""
    told = f"{message.platform}-{message.identity or message.id}"
    if PLAIN.fullmatch(told):
        return told
    return "~" + blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def published(message: Message) -> str | None:
    """When it was published, as ISO 8601 with its offset."""
    return message.published.isoformat() if message.published else None


def body(message: Message) -> bytes:
    """The message as JSON: `type`, `timestamp`, `data`.

    Content that is a JSON object stands in it byte for byte, so that numbers keep all their digits; any other is a text.
    """
    data = {
        "id": message.id,
        "platform": message.platform,
        "account": message.account,
        "user_id": message.user_id,
        "user_nick": message.user_nick,
        "deliveries": message.deliveries,
    }
    head = json.dumps({"type": message.topic, "timestamp": published(message), "data": data})
    return b'%b, "content": %b}}' % (head[:-2].encode(), content(message.content))


def content(text: str) -> bytes:
    """The content as it stands in JSON."""
    try:
        if isinstance(_STRICT.decode(text), dict):
            return text.encode()
    except (ValueError, RecursionError):
        pass
    return json.dumps(text).encode()


def _refuse(word: str) -> None:
    raise ValueError(word)


_STRICT = json.JSONDecoder(parse_constant=_refuse)
"""NaN and Infinity are Python's, not JSON's."""


def fields(message: Message) -> dict[str, str]:
    """The same members, each a text, for what knows no nesting; `key` is the key to be idempotent by."""
    return {
        "key": idempotency_key(message),
        "type": message.topic,
        "timestamp": published(message) or "",
        "id": message.id,
        "platform": message.platform,
        "account": message.account,
        "user_id": message.user_id,
        "user_nick": message.user_nick,
        "deliveries": str(message.deliveries),
        "content": message.content,
    }
