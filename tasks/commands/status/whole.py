"""All accounts together: what each gateway has spent, how the installation stands, and what seems to be missing. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from tasks.accounts import Gateway
from tasks.commands.accounts.standing import Standing
from tasks.commands.ages import told
from tasks.commands.status.attention import Found, Need
from tasks.commands.status.view import calls_each, points_each
from tasks.store.quota import Used


@dataclass(frozen=True, slots=True)
class Spent:
    """What one gateway has spent today, and what its accounts did for it."""

    calls: int = 0
    points: int = 0
    pulled: int = 0
    handled: int = 0
    dead: int = 0

    @property
    def calls_each(self) -> float | None:
        """Calls for one useful message; None before the first."""
        return calls_each(asdict(self))

    @property
    def points_each(self) -> float | None:
        """Points for one useful message; None before the first, and where none are paid."""
        return points_each(asdict(self))


@dataclass(frozen=True, slots=True)
class Summary:
    """One gateway: how many accounts it has and how many of them are paused, their messages an hour, what was done today, how
    many calls wait for their turn as its limits allow no more now, and how the gateway itself stands while it is paused."""

    gateway: Gateway
    accounts: int
    paused: int
    rate: float
    spent: Spent
    put_off: int = 0
    held: Standing | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """The installation: what waits in its queues and which workers answer (None: the broker cannot say), its dead letters,
    how many accounts need what, and when anything was pulled last."""

    accounts: int
    shown: int
    needs: Mapping[Need, int] = field(default_factory=dict)
    queues: Mapping[str, int | None] = field(default_factory=dict)
    workers: int | None = None
    letters: int = 0
    pulled: float | None = None


def spent(used: Used, tallies: Iterable[Mapping[str, int]]) -> Spent:
    """What a gateway has used of its limits (without what is only set aside), and the sum of its accounts' tallies of today."""
    total: Counter[str] = Counter()
    for tally in tallies:
        total.update(tally)
    return Spent(used.calls, used.points - used.held, total["pulled"], total["handled"], total["dead"])


def missing(whole: Whole, now: float) -> list[str]:
    """What seems not to run, and how it is started."""
    if not whole.accounts:
        return ["there are no accounts: write your shops into the accounts file; `celery -A tasks check` tells which"]
    said = []
    if whole.queues and set(whole.queues.values()) == {None}:
        said.append("the broker does not say what waits: `celery -A tasks check` tells more")
    if whole.workers == 0:
        said.append("no worker answers: start one with `celery -A tasks worker`")
    if whole.needs.get(Need.OVERDUE, 0) == whole.shown > 0:
        latest = (
            "nothing was pulled yet" if whole.pulled is None else f"the latest pull was {told(now - whole.pulled)} ago"
        )
        said.append(f"every account is overdue, {latest}: see that beat and workers run, `celery -A tasks beat`")
    return said


def needs(found: Sequence[Found]) -> dict[Need, int]:
    """How many accounts need what, the most urgent first."""
    counts = Counter(attention.need for _, attention in found)
    return {need: counts[need] for need in Need if need in counts and need is not Need.NOTHING}
