"""What a handler gets, and the two things it may say besides returning."""

import logging
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf, isnan, nan
from numbers import Number
from typing import Any, Never

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """One event of one shop, as the platform sent it.

    `id` is text for every platform, so that 19-digit numbers survive. `topic` is the full name, also where the platform wrote
    a short one that is clear. `content` is the raw text of the event, JSON on all known platforms. `published` is aware, in
    Asia/Shanghai; None when the platform left it out or wrote something else. `deliveries` counts how often this message came,
    this time included; the tries of one delivery count once.
    `identity` tells it from all others, as a platform's id alone does not (apps, and vv-tool's shops, may use the same): it is
    the same at each delivery and for whichever account brings it, so be idempotent by it. It ends with `id`.
    `pulled` is when it was pulled, aware, in Asia/Shanghai. `extra` is the account's free table in the accounts file. `ends` is
    when its try has to end by `time.monotonic()`, for which ask `deadline`. All after `content` may be left out in a test.
    `traceparent` is the place in a trace of the batch that it came with, as W3C writes it; "" unless `handlers.tracing` is on.
    """

    id: str
    topic: str
    account: str
    platform: str
    content: str = field(repr=False)  # it tells of buyers, and a message may be logged
    published: datetime | None = None
    user_id: str = ""
    user_nick: str = ""
    deliveries: int = 1
    identity: str = ""
    pulled: datetime | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    ends: float = field(default=inf, compare=False, repr=False)
    traceparent: str = field(default="", compare=False, repr=False)

    @property
    def deadline(self) -> float:
        """How many seconds are left until this try has to end, 0 once they are over: a limit for calls that it makes."""
        return max(0.0, self.ends - time.monotonic())

    @property
    def log(self) -> "logging.LoggerAdapter[logging.Logger]":
        """A logger whose lines begin with account, topic and id, which their records have as attributes too (`message_id`)."""
        return Log(logger, {"account": self.account, "topic": self.topic, "message_id": self.id})


class Log(logging.LoggerAdapter[logging.Logger]):
    """A logger bound to one message; never to its content, which tells of buyers."""

    def process(self, msg: object, kwargs: MutableMapping[str, Any]) -> tuple[str, MutableMapping[str, Any]]:
        """Put in front which message it is, in plain characters, as a platform may have sent others."""
        known = self.extra or {}
        about = " ".join(_plain(str(each)) for each in known.values())
        return f"{about}: {msg}", {**kwargs, "extra": {**known, **(kwargs.get("extra") or {})}}


def _plain(text: str) -> str:
    """The text in one line, without what a format means."""
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return escaped.replace("%", "\\x25")


class Misused(TypeError):
    """User code has done what can mean nothing here, as made a `Retry` of something else, or returned it. Logs show the text: it
    says where and what to write, and nothing of a message."""


class Reject(Exception):
    """Raised by a handler for a message that no retry can mend: it is buried at once with the reason given."""

    def __init__(self, reason: str | None = "") -> None:
        self.reason = str(reason or "")
        super().__init__(self.reason)


class Retry(Exception):
    """Raised by a handler to be called again after `delay` (seconds, or a `timedelta`), if the lease allows; without one, after a
    growing wait."""

    def __init__(self, reason: str | None = "", *more: Never, delay: float | timedelta | None = None) -> None:
        if isinstance(reason, Number | timedelta):
            raise Misused("what stands first in Retry is its reason, a text: write Retry(delay=5) for seconds")
        if more:
            raise Misused('write the delay by its name: Retry("stock is busy", delay=5)')
        self.reason = str(reason or "")
        super().__init__(self.reason)
        self.delay = None if delay is None else _seconds(delay)


def _seconds(delay: float | timedelta) -> float:
    try:
        seconds = delay.total_seconds() if isinstance(delay, timedelta) else float(delay)
    except (TypeError, ValueError, OverflowError):
        seconds = nan
    if isnan(seconds):
        raise Misused("the delay of Retry is no number: write Retry(delay=5), or a timedelta")
    return seconds


def unraised(returned: object) -> str:
    """The name of what was returned where it says that the message was not handled, and was to be raised; "" for all else."""
    kind = returned if isinstance(returned, type) else type(returned)
    kinds = (Reject, Retry, kind) if isinstance(returned, BaseException) else (Reject, Retry)
    return next((each.__name__ for each in kinds if issubclass(kind, each)), "")


def decided(group: BaseExceptionGroup[BaseException]) -> Reject | Retry | None:
    """What a group says of the message where it holds nothing but `Reject`, or nothing but `Retry`, as a `TaskGroup` passes on
    what one of its tasks has raised; None for every other.
    """
    found = innermost(group)
    if not isinstance(found, Reject | Retry):
        return None
    kind = Reject if isinstance(found, Reject) else Retry
    return found if group.split(kind)[1] is None else None


def innermost(error: BaseException) -> BaseException:
    """The first of what a group is of, as the group itself, a `TaskGroup`'s for one, says nothing of what went wrong."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
