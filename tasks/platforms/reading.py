"""From the rows of a reply to items, where a row that cannot be read costs itself and never the reply."""

from collections.abc import Callable, Iterable
from typing import Any

from tasks.platforms import jsontext
from tasks.platforms.base import Item, Reply, Spoilt
from tasks.platforms.envelope import kind


class UnreadableItem(ValueError):
    """A row that is no message. `receipt` is what would confirm it, "" when that cannot be read either."""

    def __init__(self, reason: str, receipt: str = "") -> None:
        super().__init__(reason)
        self.receipt = receipt


def gather(rows: Iterable[object], item_of: Callable[[int, object], Item], points: int = 0) -> Reply:
    """Each row, with its place, as an item or as spoilt."""
    items, spoilt = [], []
    for place, row in enumerate(rows):
        try:
            items.append(item_of(place, row))
        except UnreadableItem as error:
            spoilt.append(Spoilt(error.receipt, jsontext.raw(row), str(error)))
    return Reply(tuple(items), tuple(spoilt), points)


def whole_id(value: object) -> str:
    """An id as text: text or a whole number, as a float has lost digits. Raises `UnreadableItem`."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise UnreadableItem(f"the id is {kind(value)}, text or a whole number was expected")
    text = str(value)
    if _sound("id", text) != text:
        raise UnreadableItem("the id holds half characters")
    return text


def item_of(row: object, id_of: Callable[[object], str], receipt: str | None = None) -> Item:
    """One message from its members, which have the same names on all platforms. The receipt is the id unless given."""
    if not isinstance(row, dict):
        raise UnreadableItem(f"the item is {kind(row)}, an object was expected", receipt or "")
    try:
        identity = id_of(row.get("id"))
    except UnreadableItem as error:
        raise UnreadableItem(str(error), receipt or "") from None
    receipt = receipt or identity
    try:
        return Item(
            receipt=receipt,
            id=identity,
            topic=_topic(row.get("topic")),
            content=_content(row.get("content")),
            pub_time=_extra(row, "pub_time"),
            user_id=_extra(row, "user_id"),
            user_nick=_extra(row, "user_nick"),
        )
    except UnreadableItem as error:
        raise UnreadableItem(str(error), receipt) from None


def _topic(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise UnreadableItem(f"the topic is {kind(value)}, text was expected")
    return _sound("topic", value)


def _content(value: object) -> str:
    """The event's text. One that comes as an object, not as the text of one, is written as text."""
    if isinstance(value, dict | list):
        try:
            value = jsontext.dumps(value)
        except ValueError as error:
            raise UnreadableItem(f"the content cannot be written as JSON: {error}") from None
    if not isinstance(value, str):
        raise UnreadableItem(f"the content is {kind(value)}, text was expected")
    return _sound("content", value)


def _extra(row: dict[str, Any], name: str) -> str:
    """A member that a message can do without: "" unless it is text or a whole number."""
    value = row.get(name)
    return _sound(name, str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _sound(name: str, text: str) -> str:
    try:
        return jsontext.sound(text)
    except ValueError as error:
        raise UnreadableItem(f"the {name} {error}") from None
