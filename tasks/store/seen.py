"""What the latest pulls of each account told: when, how many messages, how often to ask, how old the oldest one was.

Some 200 bytes an account. Reading goes in chunks, so that a hundred thousand accounts keep nobody waiting; an account that is
gone stays until `forget`.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from tasks.store.chunks import chunks, read_many
from tasks.store.connection import Client
from tasks.store.keys import PREFIX

SEEN = PREFIX + "seen"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one account from its pulls. Times are seconds since the epoch by the worker's clock.

    `at` is when the latest call that brought a reply was made, 0 while none did, and `got` how many messages it brought.
    `interval` is the wait that was chosen last (seconds), `unplanned` the one that it would have been without a plan. `rate` is
    the rate estimator's state and `per_second` its estimate then. `oldest` is when the oldest message of the latest pull that
    was not empty was published, `oldest_at` that pull's `at`. `warned` is the retention watch's: when it last warned, and of
    what age.
    """

    at: float
    got: int = 0
    interval: float = 0.0
    rate: tuple[float, ...] = ()
    per_second: float = 0.0
    oldest: float | None = None
    oldest_at: float | None = None
    warned: tuple[float, ...] = ()
    unplanned: float = 0.0

    @property
    def oldest_age(self) -> float | None:
        """How long the oldest message of the latest pull had waited (seconds); None when that pull brought none with a time."""
        if not self.got or self.oldest is None or self.oldest_at != self.at:
            return None
        return max(0.0, self.at - self.oldest)


class LatestPulls:
    """What the latest pulls told, by account."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis

    def put(self, account: str, seen: Seen) -> None:
        """Remember what a pull told, in place of what was known."""
        self.redis.hset(SEEN, account, packed(seen))

    def get(self, account: str) -> Seen | None:
        """What is known of one account; None when it was never pulled, or what stands there cannot be read."""
        return unpacked(self.redis.hget(SEEN, account))

    def many(self, names: Iterable[str]) -> dict[str, Seen]:
        """What is known of these accounts, in one round trip a thousand; those of whom nothing is known are left out."""
        return read_many(names, lambda some: map(unpacked, self.redis.hmget(SEEN, some)))

    def forget(self, names: Sequence[str]) -> None:
        """Drop accounts that are gone."""
        for some in chunks(names):
            self.redis.hdel(SEEN, *some)


def packed(seen: Seen) -> str:
    """The text that is stored: what differs from the defaults, as one JSON object."""
    kept = {name: value for name, value in asdict(seen).items() if name == "at" or value != DEFAULTS[name]}
    return json.dumps(kept, separators=(",", ":"))


def unpacked(text: str | None) -> Seen | None:
    """What the text tells; None when it is none of ours. What only a later release knows is left out."""
    try:
        found = json.loads(text or "")
        return Seen(**{name: READ[name](value) for name, value in found.items() if name in READ})
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("no number")
    return number


def _maybe(value: Any) -> float | None:
    return None if value is None else _finite(value)


def _several(values: Any) -> tuple[float, ...]:
    return tuple(map(_finite, values))


DEFAULTS = {field.name: field.default for field in fields(Seen)}
READ: dict[str, Callable[[Any], Any]] = {
    "at": _finite,
    "got": int,
    "interval": _finite,
    "unplanned": _finite,
    "rate": _several,
    "per_second": _finite,
    "oldest": _maybe,
    "oldest_at": _maybe,
    "warned": _several,
}
