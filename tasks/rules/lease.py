"""What the platform's lease leaves time for: how long handlers may run, and until when a batch can be confirmed.

    pulled ────── handlers start, run, are tried again ──────┬── confirm ──┬── margin ── the platform sends it again
                                                       handle_until   confirm_until   pulled + seconds

Pure: times are seconds since the epoch, spans are seconds.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

HANDLE_SHARE = 0.75
"""The part of a lease in which handlers may run; the rest is the confirm's, with its retries."""

CONFIRM_SHARE = 0.95
"""After this part a confirm is late: the platform may be sending the batch again already."""

TRY_SHARE = 0.4
"""One try of a handler takes no more of a short lease, so that a hanging one leaves time for the batch's confirm."""

VISIBILITY_SHARE = 0.6
"""A killed worker's messages show again after this part of the shortest lease: later than the longest try ends, early
enough for another try within the lease."""

CALL_SHARE = 0.6
"""A confirm waits for its replies no longer than this part of the time for which it is hidden, as it has to connect before."""

HIDDEN_SHARE = 0.9
"""A try ends within this part of the time that a message stays hidden: it may have waited in its worker before."""

REMEMBERED_SECONDS = 3600.0
"""What has become of a batch is known for two of its leases, and this long at the least: its last task may come again after
its lease, where workers were killed or away, and then it is counted."""

LONGEST_VISIBILITY = 240.0
FIRST_RETRY = 0.5
LONGEST_RETRY = 30.0
MORE = ("traceparent", "gateway", "platform", "group")
"""What is said of a batch only where there is something to say."""

REQUEUE_SECONDS = 1.0
REQUEUE_SHARE = 0.05
"""Another try needs up to so long to begin, or that share of a short lease. Asked for nearer to its end, it comes too late, and
what only ever comes too late is never buried."""

HARD_GRACE = 1.0
"""A handler that ignores its soft limit is killed so many seconds later."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one pull of an account returned: when the call for it was sent, and how long the platform keeps it from others.

    `traceparent` is its place in a trace, as W3C writes it; "" unless there is one (`tasks/handling/spans.py`). `gateway` and
    `platform` are its account's, and `group` the one that it was pulled in, where it is confirmed in that group; "" where an
    earlier version has not said them.
    """

    account: str
    id: str
    pulled: float
    lease: float
    traceparent: str = ""
    gateway: str = ""
    platform: str = ""
    group: str = ""

    @property
    def handle_until(self) -> float:
        return self.pulled + self.lease * HANDLE_SHARE

    @property
    def retry_until(self) -> float:
        """When the last try after another may be due."""
        return self.handle_until - min(REQUEUE_SECONDS, REQUEUE_SHARE * self.lease)

    @property
    def confirm_until(self) -> float:
        return self.pulled + self.lease * CONFIRM_SHARE

    @property
    def ends(self) -> float:
        return self.pulled + self.lease

    @property
    def remembered(self) -> float:
        """For how many seconds it is known what has become of its messages, until it is closed."""
        return max(2 * self.lease, REMEMBERED_SECONDS)

    @property
    def handing_out(self) -> str:
        """The name of this handing out: the inbox hands the same batch out again, at another time."""
        return f"{self.id}@{self.pulled:.3f}"

    def to_json(self) -> dict[str, Any]:
        """The batch as the arguments of its tasks name it."""
        about = {"account": self.account, "batch": self.id, "pulled": self.pulled, "lease": self.lease}
        return {**about, **{name: value for name in MORE if (value := getattr(self, name))}}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Batch":
        """The batch from a task's arguments, whatever else is among them."""
        more = {name: found.get(name, "") for name in MORE}
        return cls(found["account"], found["batch"], found["pulled"], found["lease"], **more)


def try_seconds(lease: float, handler_seconds: float, own: float | None = None, hidden: float = inf) -> float:
    """How long one try of a handler may take under a lease.

    A handler's `own` timeout takes the place of `handler_seconds`, which holds for all. It ends before the message shows again
    to other workers, from whom it is `hidden` for so long.
    """
    return min(handler_seconds, lease * TRY_SHARE) if own is None else min(own, longest_try(lease, hidden))


def longest_try(lease: float, hidden: float = inf) -> float:
    """The most that a handler's own timeout can give one try under a lease."""
    return min(lease * TRY_SHARE, hidden * HIDDEN_SHARE)


def visibility_seconds(shortest_lease: float) -> float:
    """How long an unacknowledged task stays hidden from other workers, for leases no shorter than this one."""
    return min(LONGEST_VISIBILITY, shortest_lease * VISIBILITY_SHARE)


def confirm_seconds(hidden: float) -> float:
    """How long a confirm waits for its replies: past the time for which it is `hidden`, another would make the calls too."""
    return hidden * CALL_SHARE


def retry_delay(tries: int, asked: float | None = None, *, dice: float | None = None) -> float:
    """Seconds to wait after the given number of tries: what the handler asked for, else doubling with jitter.

    `dice` is a random number from 0 to 1.
    """
    if asked is not None:
        return max(0.0, asked)
    grown = min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(tries - 1, 16))
    return float(grown * (0.5 + 0.5 * (random.random() if dice is None else dice)))  # noqa: S311 - spreading, not secrecy
