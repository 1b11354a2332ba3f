"""The parts of a reply around its rows, as the platforms' JSON has them in several forms."""

from typing import Any

from tasks.platforms.errors import Declined, MalformedReply

ROW = frozenset({"id", "msg_data", "number"})
"""By any of these members an object is a row, of messages or of the counter, and not what holds rows."""

ASKED = frozenset({"messages", "qmcs_messages", "message_infos", "is_success"})
"""What the calls are made for, by its name on either platform."""


def listed(holder: object, *path: str) -> list[Any]:
    """The list that stands in `holder` under the path's names, one in the other; the last ones may be left out.

    Absent, null, `{}`, `[]` and `""` all mean an empty list, as platforms write one in each of these ways; a row that is in no
    list is the only one, as what makes JSON of XML writes it. Raises `MalformedReply` for anything else.
    """
    name = "the response"
    for inner in path:
        if not isinstance(holder, dict) or not holder or (inner not in holder and ROW & holder.keys()):
            break
        if inner not in holder and (name in path or any(holds(value) for value in holder.values())):
            raise MalformedReply(f"{name} holds no {inner}")
        name, holder = inner, holder.get(inner)
    if holder is None or holder in ({}, ""):
        return []
    if isinstance(holder, dict) and ROW & holder.keys():
        return [holder]
    if not isinstance(holder, list):
        raise MalformedReply(f"{name} is {kind(holder)}, a list was expected")
    return holder


def holds(value: object) -> bool:
    """Whether it is a list of something, or has one in it: messages may be that, whatever its name."""
    inside = value.values() if isinstance(value, dict) else [value]
    return any(isinstance(each, list) and each for each in inside)


def tells_of_error(said: dict[str, Any]) -> bool:
    """Whether an object that bears no platform's mark of an error is one: it has a code, and nothing that was asked for."""
    return said.get("code", said.get("errorCode")) not in (None, "", 0, "0") and not ASKED & said.keys()


def must_succeed(response: dict[str, Any]) -> None:
    """Whether a confirm did what it was asked. Raises `Declined` for `is_success: false`: the ids come again."""
    success, request_id = response.get("is_success"), text_of(response.get("request_id"))
    if str(success).lower() in ("false", "0"):
        raise Declined("the platform answered a confirm with is_success: false", request_id=request_id)
    if str(success).lower() not in ("true", "1"):
        raise MalformedReply(f"is_success is {kind(success)}, true or false was expected", request_id=request_id)


def text_of(value: object) -> str:
    """A member that a reply can do without, as text that can be logged: "" unless it is text or a whole number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).encode("utf-8", "replace").decode()


def kind(value: object) -> str:
    """What a wrong value is, without its text: that may be a buyer's."""
    return "missing" if value is None else "empty" if value == "" else f"a JSON {type(value).__name__}"
