"""What taobao.jindoucloud.messagecount.get is asked and answers: how many of a topic wait for a user."""

from typing import Any

from tasks.accounts import Counter
from tasks.platforms.base import Reading
from tasks.platforms.envelope import kind, listed, text_of
from tasks.platforms.errors import MalformedReply


def parameters(counter: Counter) -> dict[str, str]:
    """The call's own parameters. `user_ids` are `main` or `main:sub`; `type` is 4 (system) or 5 (service account)."""
    return {
        "topic": ",".join(counter.topics),
        "fields": ",".join(counter.fields),
        "client_info": counter.client_info or "",
        "user_ids": ",".join(counter.user_ids),
        "need_detail": "true" if counter.need_detail else "false",
        "type": text_of(counter.type),
    }


def readings(response: dict[str, Any]) -> tuple[Reading, ...]:
    """The rows of a reply; members that `fields` did not ask for are 0 or "". Raises `MalformedReply` for a broken row.

    A broken row costs the whole reply: without it nobody would know that its topic waits.
    """
    return tuple(_reading(row) for row in listed(response, "message_infos", "message_info"))


def _reading(row: object) -> Reading:
    if not isinstance(row, dict):
        raise MalformedReply(f"a row of the counter is {kind(row)}, an object was expected")
    return Reading(
        topic=text_of(row.get("topic")),
        number=_number("number", row),
        total=_number("total", row),
        user_id=text_of(row.get("user_id")),
        sub_user_id=text_of(row.get("sub_user_id")),
        last_msg=text_of(row.get("last_msg")),
    )


def _number(name: str, row: dict[str, Any]) -> int:
    value = row.get(name, 0)
    text = text_of(0 if value is None else value)
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise MalformedReply(f"{name} of the counter is {kind(value)}, a whole number was expected")
    return int(text)
