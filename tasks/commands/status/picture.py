"""Everything at one moment. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.accounts import Gateway
from tasks.commands.handlers.telling import Unhandled
from tasks.commands.status.attention import Found, Need
from tasks.rules.circuit_breaker import Pause
from tasks.store.presence import Presence
from tasks.store.quota import Used
from tasks.store.troubles import Trouble


@dataclass(frozen=True, slots=True)
class Summary:
    """One gateway: how many accounts it has and how many of them are paused, their messages an hour, what was used and done
    today, how many calls wait for their turn as its limits allow no more now, and its own pause."""

    gateway: Gateway
    accounts: int
    paused: int
    rate: float
    today: Counter[str]
    put_off: int = 0
    pause: Pause | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """The installation at `now` (seconds since the epoch): how many accounts there are, those that were chosen, their
    gateways, what waits in the queues (None: the broker cannot say), how many workers and beats run (None: not known), from
    which queues nobody takes, the dead letters, how many of these are yet to be redriven and when the first of them is, when
    anything was pulled last, today's messages by topic that nobody handled,
    what is odd about workers' handlers, whose clock is off with what to do, and which installation it is: its Redis, its id
    ("": none yet)."""

    now: float
    known: int
    accounts: Sequence[Found]
    gateways: Sequence[Summary] = ()
    queues: Mapping[str, int | None] = field(default_factory=dict)
    workers: int | None = None
    beats: int | None = None
    unserved: Sequence[str] = ()
    letters: int = 0
    redrives: int = 0
    redrive_at: float | None = None
    pulled: float | None = None
    unhandled: Unhandled = field(default_factory=Unhandled)
    strangers: Sequence[str] = ()
    clocks: Sequence[tuple[str, str]] = ()
    redis: str = ""
    id: str = ""

    @property
    def troubles(self) -> list[Trouble]:
        """What went wrong lately for these accounts, the latest first."""
        return sorted((each for standing, _ in self.accounts for each in standing.troubles), key=lambda each: -each.at)

    @property
    def needs(self) -> dict[Need, int]:
        """How many accounts need what, the most urgent first."""
        counts = Counter(attention.need for _, attention in self.accounts)
        return {need: counts[need] for need in Need if need in counts and need is not Need.NOTHING}


def unserved(queues: Iterable[str], workers: Sequence[Presence]) -> list[str]:
    """From which of these queues none of these workers takes; none, where one of them does not say or there is none."""
    taken = {queue for worker in workers for queue in worker.queues}
    known = bool(workers) and all(worker.queues for worker in workers)
    return [queue for queue in queues if known and queue not in taken]


def spent(used: Used, tallies: Iterable[Counter[str]]) -> Counter[str]:
    """What a gateway has used of its limits (without what is only set aside), and the sum of what its accounts did today."""
    total: Counter[str] = Counter()
    for tally in tallies:
        total.update(tally)
    total["calls"], total["points"] = used.calls, used.points - used.held
    return total
