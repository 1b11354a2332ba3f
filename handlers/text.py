"""Text that came from outside, for logs: a line stays a line."""

from handlers.message import Message


def shown(text: str) -> str:
    """Text of a platform on one line of a log."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def about(message: Message) -> str:
    """Whose message it is, of what and which; never its content, which tells of buyers."""
    return " ".join(map(shown, (message.account, message.topic, message.id)))


def fields(event: str, message: Message) -> dict[str, object]:
    """The same as fields of a log line of that event, which the log's `extra` takes (docs/logs.md)."""
    return {"event": event, "account": message.account, "topic": message.topic, "message_id": message.id}


def kind(error: BaseException) -> str:
    """The name of an error's type, whatever a metaclass makes of that. What an error says may be buyer data."""
    name: str = type.__dict__["__name__"].__get__(type(error))
    return shown(name)
