"""The values that pass through the simulated platforms: a call, whom it concerns, its answer; and how texts in them are read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

Platform = Literal["qianmi", "taobao", "vvtool"]

JSON = "application/json;charset=UTF-8"

Value = TypeVar("Value")
_INTEGER = re.compile(r"\d{1,9}", re.ASCII)


class Strict(BaseModel):
    """What the control API takes: no member that is not known, and none of what was sent, maybe a secret, in an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request: query and body merged into `params` after URL decoding, files left out.

    `repeated` has the names that came more than once, `token` what followed `Bearer` in the Authorization header.
    """

    verb: str
    path: str
    params: Mapping[str, str]
    now: float
    token: str = ""
    repeated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a call concerns, as far as it says so itself: nothing in here has been verified.

    `app` is the app's name, "" when it is unknown; `api` is consume, confirm, count, permit, queue or unknown; `key` is
    the group (taobao, qianmi; "" is the default group) or the shop (vvtool).
    """

    platform: Platform
    app: str
    api: str
    key: str


@dataclass(slots=True)
class Answer:
    """What goes back. `delay` is in seconds; `cut` closes the connection instead of answering."""

    body: bytes
    code: str = "ok"
    items: int = 0
    status: int = 200
    content_type: str = JSON
    delay: float = 0.0
    cut: bool = False


@dataclass(slots=True, eq=False)
class Refused(Exception):
    """A platform's refusal, before it is written in that platform's way. Empty texts are filled in from its table."""

    code: str
    text: str = ""
    sub_code: str = ""
    sub_text: str = ""
    status: int = 200
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def number(self) -> int | str:
        """The code as taobao and vvtool write it: a number, where it is one."""
        return int(self.code) if is_digits(self.code) else self.code


def place_of(platform: str, key: str) -> dict[str, str]:
    """`group` or `shop_id`, as the platform names its queues."""
    return {"shop_id" if platform == "vvtool" else "group": key}


def require(value: Value | None, code: str, sub_code: str = "", sub_text: str = "", *, status: int = 200) -> Value:
    """The value itself, if it is one and not empty or False. Raises `Refused` with the code otherwise."""
    if not value:
        raise Refused(code, sub_code=sub_code, sub_text=sub_text, status=status)
    return value


def number_of(text: str) -> int | None:
    """The whole number, 0 or more, that a parameter's text is, or None."""
    return int(text) if _INTEGER.fullmatch(text) else None


def is_digits(text: str) -> bool:
    """Whether the text is an id of digits only."""
    return text.isascii() and text.isdigit()
