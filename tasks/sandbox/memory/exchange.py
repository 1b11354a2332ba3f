"""The values that pass through the simulated platforms: a call, whom it concerns, its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Platform = Literal["qianmi", "taobao", "vvtool"]

JSON = "application/json;charset=UTF-8"


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
