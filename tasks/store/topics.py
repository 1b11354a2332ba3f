"""What was seen of each topic, day by day: messages, those that nobody handled, and tries that failed."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

from tasks.clock import DAY, day
from tasks.store.chunks import pipelined
from tasks.store.deferred import Deferred
from tasks.store.keys import key
from tasks.store.scripts import text

KEEP_SECONDS = 8 * DAY
MOST = 2000
"""Topics counted by name on one day, more than any platform has; what comes beyond is counted together."""

LONGEST = 200
"""Characters of a topic that count: a longer one is garbage."""

OTHERS = "…"
"""The name under which topics beyond `MOST` are counted."""

What = Literal["seen", "unhandled", "failed"]
"""
seen       messages that a pull brought
unhandled  messages whose topic has no handler
failed     tries of a handler that raised, or took too long
"""


class Topics:
    """Counters by topic and day."""

    def __init__(self, deferred: Deferred) -> None:
        self.deferred = deferred
        self.redis = deferred.redis

    def add(self, what: What, counts: Mapping[str, int], *, now: float, pipe: Any = None) -> None:
        """Add to the counters of the day of `now`, in one round trip, or with what else is in `pipe`; without counts, in none."""
        if any(counts.values()):
            (self.redis if pipe is None else pipe).execute_command(*_add(what, counts, now))

    def tell(self, what: What, topic: str, *, now: float) -> None:
        """Count one message or try, without a round trip of its own while a bundle runs."""
        self.deferred.tell(*_add(what, {topic: 1}, now))

    def read(self, *, now: float, days: int = 1, whats: Iterable[What] = get_args(What)) -> dict[str, dict[What, int]]:
        """The counters of each topic over the last `days` days, today included; what was never counted is left out."""
        wanted = [(what, key("topics", day(now - ago * DAY), what)) for what in whats for ago in range(days)]
        found: dict[str, dict[What, int]] = {}
        for (what, _), counts in zip(wanted, pipelined(self.redis, (("HGETALL", k) for _, k in wanted)), strict=True):
            for topic, number in counts.items():
                its = found.setdefault(topic, {})
                its[what] = its.get(what, 0) + int(number)
        return found


def _add(what: What, counts: Mapping[str, int], now: float) -> tuple[Any, ...]:
    pairs = [word for topic, number in counts.items() if number for word in (_named(topic), number)]
    source = text("topics_add")  # not by digest: nobody is there to load it when the answer comes
    return "EVAL", source, 1, key("topics", day(now), what), MOST, KEEP_SECONDS, *pairs


def _named(topic: str) -> str:
    """A topic as it is counted: short, and of letters that Redis's clients can write."""
    return topic[:LONGEST].encode("utf-8", "replace").decode()
