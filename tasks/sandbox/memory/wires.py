"""Messages as they stand in a reply, written once when they are published."""

import json
from datetime import datetime
from typing import Any

from pydantic import Field

from tasks.clock import SHANGHAI, timestamp
from tasks.sandbox.memory.exchange import Platform, Strict, is_digits

USER_ID = {"taobao": "3293576715", "vvtool": "3293576715", "qianmi": "A854800"}
USER_NICK = "sandbox seller"


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


def taobao_wire(draft: Draft, id_: str, app_key: str, now: float) -> bytes:
    """A `tmc_message`: ids are numbers, the content is JSON text."""
    return compact(_tmc(draft, id_, app_key, now, raw=True)).encode()


def qianmi_wire(draft: Draft, id_: str, app_key: str, now: float) -> bytes:
    """A `qmcs_message`: all six members are text."""
    item = {
        "id": id_,
        "topic": draft.topic,
        "content": _content(draft, raw=True),
        "pub_time": _pub_time(draft, now),
        "pub_app_key": app_key,
        "user_id": _user_id(draft, "qianmi"),
    }
    return json.dumps(item, ensure_ascii=False, indent=2, separators=(",", " : ")).encode()


def vvtool_wire(draft: Draft, id_: str, app_key: str, now: float, *, row: int, raw: bool) -> bytes:
    """One of `data.msg`: JSON in JSON in JSON, in ASCII as PHP writes it, unless `raw`."""
    inner = _tmc(draft, id_, app_key, now, raw=raw)
    text = compact(inner) if raw else json.dumps(inner, separators=(",", ":"))
    item = {"id": row, "msg_data": text}
    return (compact(item) if raw else json.dumps(item, separators=(",", ":"))).encode()


def compact(value: object) -> str:
    """JSON without spaces, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _tmc(draft: Draft, id_: str, app_key: str, now: float, *, raw: bool) -> dict[str, object]:
    return {
        "content": _content(draft, raw=raw),
        "id": _number("id", id_),
        "pub_app_key": app_key,
        "pub_time": _pub_time(draft, now),
        "topic": draft.topic,
        "user_id": _number("user_id", _user_id(draft, "taobao")),
        "user_nick": draft.user_nick,
    }


def _content(draft: Draft, *, raw: bool) -> str:
    if isinstance(draft.content, str):
        return draft.content
    return json.dumps(draft.content, ensure_ascii=not raw, separators=(",", ":"))


def _pub_time(draft: Draft, now: float) -> str:
    return timestamp(now) if draft.pub_time is None else draft.pub_time


def _user_id(draft: Draft, platform: Platform) -> str:
    return USER_ID[platform] if draft.user_id is None else str(draft.user_id)


def _number(name: str, text: str) -> int:
    if not is_digits(text):
        raise ValueError(f"{name} has to be a number on taobao and vvtool, not {text!r}")
    return int(text)
