"""Messages as they stand in a reply, written once when they are published."""

import json
from datetime import datetime
from typing import Any

from pydantic import Field

from tasks.clock import SHANGHAI, timestamp
from tasks.sandbox.memory.exchange import Platform, Strict, is_digits

UTF8 = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
ASCII = json.JSONEncoder(separators=(",", ":"))
PRETTY = json.JSONEncoder(ensure_ascii=False, indent=2, separators=(",", " : "))

USER_ID = {"taobao": "3293576715", "vvtool": "3293576715", "qianmi": "A854800"}
USER_NICK = "sandbox seller"
PUB_APP_KEY = "12421314"
"""Who publishes vv-tool's messages; elsewhere it is the app itself."""


class Draft(Strict):
    """One message to publish. `content` is the event, as an object or as its text; what is left out is made up."""

    topic: str = Field(min_length=1)
    content: Any
    id: str | int | None = None
    user_id: str | int | None = None
    user_nick: str = USER_NICK
    pub_time: str | None = None


class Ids:
    """Message ids in each platform's shape. They only grow, also over a reset, so none is ever used twice."""

    def __init__(self) -> None:
        self._number = self._millisecond = 0

    def next(self, platform: Platform, now: float) -> str:
        """`MU` and 17 digits of date and time on qianmi, a 19-digit number elsewhere."""
        if platform == "qianmi":
            self._millisecond = max(self._millisecond + 1, int(now * 1000))
            seconds, rest = divmod(self._millisecond, 1000)
            return f"MU{datetime.fromtimestamp(seconds, SHANGHAI):%Y%m%d%H%M%S}{rest:03d}"
        # Odd at the start: a client that reads ids as doubles loses digits, and shall notice.
        self._number = max(self._number + 1, int(now * 1e6) * 1000 + 1)
        return str(self._number)


def wire_of(draft: Draft, platform: Platform, id_: str, app_key: str, now: float, *, row: int, raw: bool) -> bytes:
    """A message as its platform's replies list it; on vvtool it is number `row`, and in UTF-8 only if `raw`."""
    if platform == "qianmi":
        return pretty(_item(draft, platform, id_, app_key, now)).encode()
    if platform == "taobao":
        return compact(_item(draft, platform, id_, app_key, now)).encode()
    # JSON in JSON in JSON, in ASCII as PHP writes it.
    text = compact(_item(draft, platform, id_, PUB_APP_KEY, now, raw=raw), raw=raw)
    return compact({"id": row, "msg_data": text}, raw=raw).encode()


def _item(
    draft: Draft, platform: Platform, id_: str, app_key: str, now: float, *, raw: bool = True
) -> dict[str, object]:
    """A `tmc_message`, whose ids are numbers; on qianmi a `qmcs_message`, six members that are all text."""
    user_id = USER_ID[platform] if draft.user_id is None else str(draft.user_id)
    item: dict[str, object] = {
        "content": draft.content if isinstance(draft.content, str) else compact(draft.content, raw=raw),
        "id": id_,
        "pub_app_key": app_key,
        "pub_time": timestamp(now) if draft.pub_time is None else draft.pub_time,
        "topic": draft.topic,
        "user_id": user_id,
    }
    if platform == "qianmi":
        return item
    return {**item, "id": _number("id", id_), "user_id": _number("user_id", user_id), "user_nick": draft.user_nick}


def pretty(value: object) -> str:
    """JSON as Qianmi's framework prints it."""
    return PRETTY.encode(value)


def compact(value: object, *, raw: bool = True) -> str:
    """JSON without spaces, in UTF-8 if `raw` and in ASCII otherwise."""
    return (UTF8 if raw else ASCII).encode(value)


def _number(name: str, text: str) -> int:
    if not is_digits(text):
        raise ValueError(f"{name} has to be a number on taobao and vvtool, not {text!r}")
    return int(text)
