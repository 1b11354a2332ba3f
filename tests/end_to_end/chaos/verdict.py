"""What became of every message: the demo's verdict, and what a killed worker or a flushed Valkey explains. Pure; times are
seconds since the epoch."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tasks.commands.demo import verdict
from tasks.commands.demo.cast import Actor
from tasks.commands.demo.journal import Handled
from tasks.sandbox.control import LedgerRow
from tasks.store.letters import Letter

FRESH_SECONDS = 5.0
"""A message delivered less long ago may be anywhere between the platform and the inbox."""

KILLED_WITHIN = 1.0
"""A worker killed so soon after a pull may have been the one that pulled; the sandbox's slowest reply takes 0.3 s."""

PUT_OFF = 0.5
"""Redis is asked again so long after it came back."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was done to a process, from when to when."""

    what: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Known:
    """Everything at one moment. `kept` has the text of every reply in the inbox; `stored` tells whether a message of vvtool
    ever reached Valkey."""

    now: float
    ledger: Mapping[Actor, Sequence[LedgerRow]]
    handled: Handled
    letters: Sequence[Letter]
    kept: Sequence[str]
    deeds: Sequence[Deed]
    stored: Callable[[str], bool]

    def deeds_to(self, start: str) -> list[Deed]:
        """Those done to processes of this kind."""
        return [deed for deed in self.deeds if deed.what.startswith(start)]

    def keeps(self, id_: str) -> bool:
        """Whether a reply in the inbox holds the message."""
        return any(id_ in reply for reply in self.kept)


@dataclass(slots=True)
class Sums:
    """All messages. `on_the_way` counts those of a reply of vvtool that never reached Valkey, pulled by a worker that was
    killed: vvtool's nature. `exposed` ones were handled and unconfirmed when Valkey was flushed, `inbox` counts replies that
    are not settled. `odd` has the ids of those that were early, or are not done, by what is to be said of them."""

    all: verdict.Sums = field(default_factory=verdict.Sums)
    on_the_way: int = 0
    deliveries: int = 0
    exposed: int = 0
    inbox: int = 0
    odd: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def done(self) -> int:
        """Messages that were handled or buried, and confirmed where the platform can be told so."""
        return self.all.published - self.all.waiting - self.all.lost - self.on_the_way


def judge(known: Known) -> Sums:
    """The sums of all messages."""
    sums = Sums(inbox=len(known.kept))
    for actor, rows in known.ledger.items():
        for row in rows:
            _add(sums, known, actor, row)
    return sums


def _add(sums: Sums, known: Known, actor: Actor, row: LedgerRow) -> None:
    one = verdict.judge_one(actor, row, known.handled, known.letters)
    if one.lost and not actor.confirms:
        waiting = still_there(known, row)
        lost = not waiting and not on_the_way(known, row)
        one = replace(one, waiting=waiting, lost=lost)
        sums.on_the_way += not (waiting or lost)
    sums.all += one
    sums.deliveries += len(row["deliveries"])
    sums.exposed += exposed(known, actor, row)
    done = (one.handled or one.buried) and not one.waiting
    if one.early or not done:
        sums.odd[described(known, actor, row, one)].append(row["id"])


def still_there(known: Known, row: LedgerRow) -> bool:
    """Whether a message that vvtool has given away is in the inbox, or on its way there."""
    return known.keeps(row["id"]) or known.now - row["deliveries"][-1] < FRESH_SECONDS


def on_the_way(known: Known, row: LedgerRow) -> bool:
    """Whether the worker that pulled it may have been killed before Valkey had the reply."""
    return killed_after(known, row["deliveries"][-1]) and not known.stored(row["id"])


def exposed(known: Known, actor: Actor, row: LedgerRow) -> bool:
    """Whether it was handled and unconfirmed when Valkey was flushed."""
    first = min(known.handled.get((actor.name, row["id"]), ()), default=None)
    confirmed = row["confirmed"]
    return first is not None and any(
        first <= flush.began and not (confirmed and confirmed < flush.began) for flush in known.deeds_to("flush")
    )


def killed_after(known: Known, pulled: float) -> bool:
    """Whether the worker that pulled at this time may have been killed before Valkey had the reply."""
    until = pulled + KILLED_WITHIN
    for away in known.deeds_to("valkey"):
        if away.began < until and away.ended > pulled:
            until = max(until, away.ended + PUT_OFF)
    return any(pulled <= deed.ended and deed.began <= until for deed in known.deeds_to("worker"))


def described(known: Known, actor: Actor, row: LedgerRow, one: verdict.Sums) -> str:
    """What is to be said of a message that needs a look: what was done within seconds of its last delivery."""
    what = "early" if one.early else "waiting" if one.waiting else "lost" if one.lost else "on the way"
    pulled = row["deliveries"][-1] if row["deliveries"] else row["published"]
    near = [f"{deed.what} {deed.began - pulled:+.3f} s" for deed in known.deeds if abs(deed.began - pulled) < 3]
    confirms = [round(at - pulled, 3) for at in row["confirms"]]
    return (
        f"{what}: {actor.name}, delivered {len(row['deliveries'])} times, at last at {pulled:.3f},"
        f" confirmed {confirms} s after that, near it: {', '.join(near) or 'nothing'}"
    )
