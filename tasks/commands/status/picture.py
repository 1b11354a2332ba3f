"""Everything at one moment. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tasks.accounts import Gateway
from tasks.commands.handlers.telling import Unhandled
from tasks.commands.sentences import Said
from tasks.commands.status.attention import Found, Need, urgency
from tasks.rules.circuit_breaker import Pause
from tasks.rules.registries import Stranger
from tasks.store.presence import Presence
from tasks.store.quota import Used
from tasks.store.troubles import Trouble


@dataclass(frozen=True, slots=True)
class Summary:
    """One gateway: how many accounts it has and how many of them are paused, their messages an hour, what was used and done
    today, how many calls wait for their turn as its limits allow no more now, its own pause, its accounts' open batches, their
    latest pull (seconds since the epoch) and the age of the oldest message that their latest pulls brought (seconds)."""

    gateway: Gateway
    accounts: int
    paused: int
    rate: float
    today: Counter[str]
    put_off: int = 0
    pause: Pause | None = None
    open: int = 0
    pulled: float | None = None
    oldest_age: float | None = None


@dataclass(slots=True)
class Crowd:
    """What accounts come to, however many: how many there are, the names of those that need something, by need, and of those that
    a person has paused, what was done today, the latest pull (seconds since the epoch), and what went wrong lately.

    `kept` are the accounts themselves, all, or so many of the most urgent.
    """

    most: int | None = None
    number: int = 0
    needs: dict[Need, list[str]] = field(default_factory=dict)
    by_hand: list[str] = field(default_factory=list)
    failed: int = 0
    today: Counter[str] = field(default_factory=Counter)
    pulled: float | None = None
    troubles: list[Trouble] = field(default_factory=list)
    kept: list[Found] = field(default_factory=list)

    @classmethod
    def made(cls, found: Iterable[Found]) -> "Crowd":
        """What these accounts come to."""
        crowd = cls()
        for each in found:
            crowd.add(each)
        return crowd

    def add(self, found: Found) -> None:
        """One more."""
        each, attention = found
        self.number += 1
        if attention.need is not Need.NOTHING:
            self.needs.setdefault(attention.need, []).append(each.name)
        if each.paused == "account" and each.pause and each.pause.by_hand:
            self.by_hand.append(each.name)
        self.failed += each.failed
        self.today.update(each.today)
        self.pulled = max(filter(None, (self.pulled, each.pulled)), default=None)
        self.troubles += each.troubles
        self._keep(found)

    def _keep(self, found: Found) -> None:
        if self.most is None:
            self.kept.append(found)
        elif found[1].need is not Need.NOTHING:
            self.kept.append(found)
            if len(self.kept) > 2 * self.most:
                self.cut()

    def cut(self) -> None:
        """Keep no more than the most urgent."""
        if self.most is not None:
            self.kept = sorted(self.kept, key=urgency)[: self.most]


@dataclass(frozen=True)
class Picture:
    """The installation at `now` (seconds since the epoch): how many accounts there are, those that were chosen, their
    gateways, what waits in the queues (None: the broker cannot say), how many workers and beats run (None: not known), which
    of them cannot work, from which queues nobody takes, the dead letters, how many of these are yet to be redriven and when the
    first of them is, when anything was pulled last, today's messages by topic that nobody handled, the workers with other
    handlers, whose clock is off with what to do, and which installation it is: its Redis, its id ("": none yet)."""

    now: float
    known: int
    accounts: Sequence[Found]
    gateways: Sequence[Summary] = ()
    queues: Mapping[str, int | None] = field(default_factory=dict)
    workers: int | None = None
    beats: int | None = None
    idle: Sequence[Presence] = ()
    unserved: Sequence[str] = ()
    letters: int = 0
    redrives: int = 0
    redrive_at: float | None = None
    pulled: float | None = None
    unhandled: Unhandled = field(default_factory=Unhandled)
    strangers: Sequence[Stranger] = ()
    clocks: Sequence[tuple[Said, Said]] = ()
    redis: str = ""
    id: str = ""
    of: Crowd | None = None
    """What the chosen accounts come to, where `accounts` are only the most urgent of them."""

    @cached_property
    def crowd(self) -> Crowd:
        """What the chosen accounts come to."""
        return self.of or Crowd.made(self.accounts)

    @property
    def troubles(self) -> list[Trouble]:
        """What went wrong lately for these accounts, the latest first."""
        return sorted(self.crowd.troubles, key=lambda each: -each.at)

    @property
    def needs(self) -> dict[Need, int]:
        """How many accounts need what, the most urgent first."""
        found = self.crowd.needs
        return {need: len(found[need]) for need in Need if need in found and need is not Need.NOTHING}


def spent(used: Used, tallies: Iterable[Counter[str]]) -> Counter[str]:
    """What a gateway has used of its limits (without what is only set aside), and the sum of what its accounts did today."""
    total: Counter[str] = Counter()
    for tally in tallies:
        total.update(tally)
    total["calls"], total["points"] = used.calls, used.points - used.held
    return total
