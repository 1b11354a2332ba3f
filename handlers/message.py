"""What a handler gets, and the two things it may say besides returning."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Message:
    """One event of one shop, as the platform sent it.

    `id` is text for every platform, so that 19-digit numbers survive. `topic` is the full name, also where the platform wrote
    a short one that is clear. `content` is the raw text of the event, JSON on all
    known platforms. `published` is aware, in Asia/Shanghai; None when the platform left it out or wrote something else.
    `deliveries` counts how often this message was handed to a handler, this time included.
    `identity` tells it from all others, as a platform's id alone does not (apps, and vv-tool's shops, may use the same): it is
    the same at each delivery and for whichever account brings it, so be idempotent by it. It ends with `id`.
    """

    id: str
    topic: str
    account: str
    platform: str
    content: str
    published: datetime | None = None
    user_id: str = ""
    user_nick: str = ""
    deliveries: int = 1
    identity: str = ""


class Reject(Exception):
    """Raised by a handler for a message that no retry can mend: it is buried at once with the reason given."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class Retry(Exception):
    """Raised by a handler to be called again after `delay` seconds, if the lease allows; without one, after a growing wait."""

    def __init__(self, reason: str = "", *, delay: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay = delay
