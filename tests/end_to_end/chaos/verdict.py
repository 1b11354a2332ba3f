"""What became of every message, by everything that is known of it. Pure; times are seconds since the epoch."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tasks.commands.demo.cast import Actor
from tasks.sandbox.control import LedgerRow

Fate = Literal["done", "waiting", "on the way", "lost"]
"""
done        handled or buried, and confirmed where the platform can be told so
waiting     still with its platform or in the inbox, or on its way there
on the way  a reply of vvtool that never reached Valkey, pulled by a worker that was killed: vvtool's nature
lost        neither: nobody has it any more
"""

FRESH_SECONDS = 5.0
"""A message delivered less long ago may be anywhere between the platform and the inbox."""

KILLED_WITHIN = 1.0
"""A worker killed so soon after a pull may have been the one that pulled; the sandbox's slowest reply takes 0.3 s."""

PUT_OFF = 0.5
"""Redis is asked again so long after it came back."""


@dataclass(frozen=True, slots=True)
class Burial:
    """A dead letter, as far as it matters here; one of an item or a reply that could not be read has the id in its text."""

    account: str
    id: str
    at: float
    text: str = ""


def burial(letter: Mapping[str, Any]) -> Burial:
    """A dead letter from its JSON."""
    text = "" if letter["topic"] else str(letter["content"])
    return Burial(letter["account"], letter["message_id"], letter["buried"], text)


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
    handled: Mapping[tuple[str, str], Sequence[float]]
    burials: Sequence[Burial]
    kept: Sequence[str]
    deeds: Sequence[Deed]
    stored: Callable[[str], bool]

    def deeds_to(self, start: str) -> list[Deed]:
        """Those done to processes of this kind."""
        return [deed for deed in self.deeds if deed.what.startswith(start)]

    def keeps(self, id_: str) -> bool:
        """Whether a reply in the inbox holds the message."""
        return any(id_ in reply for reply in self.kept)

    def buried(self, account: str, id_: str) -> float | None:
        """When the message was buried."""
        ours = (one.at for one in self.burials if one.account == account and (one.id == id_ or id_ in one.text))
        return min(ours, default=None)


@dataclass(slots=True)
class Sums:
    """Messages. `twice` counts handlings too many, `exposed` messages handled and unconfirmed when Valkey was flushed,
    `inbox` replies that are not settled.
    `odd` has the ids of those that were early, or did not end, by what is to be said of
    them."""

    fates: Counter[Fate] = field(default_factory=Counter)
    handled: int = 0
    buried: int = 0
    confirmed: int = 0
    deliveries: int = 0
    early: int = 0
    twice: int = 0
    exposed: int = 0
    inbox: int = 0
    odd: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def judge(known: Known) -> Sums:
    """The sums of all messages."""
    sums = Sums(inbox=len(known.kept))
    for actor, rows in known.ledger.items():
        for row in rows:
            _add(sums, known, actor, row)
    return sums


def _add(sums: Sums, known: Known, actor: Actor, row: LedgerRow) -> None:
    handled = known.handled.get((actor.name, row["id"]), ())
    buried = None if handled else known.buried(actor.name, row["id"])
    ends = [*handled, *([] if buried is None else [buried])]
    confirmed = row["confirmed"]
    early = confirmed is not None and not any(end <= confirmed for end in ends)
    fate = fate_of(known, actor, row, done=bool(ends))
    sums.fates[fate] += 1
    sums.handled += bool(handled)
    sums.buried += buried is not None
    sums.confirmed += confirmed is not None
    sums.deliveries += len(row["deliveries"])
    sums.early += early
    sums.twice += max(0, len(handled) - 1)
    flushes = [deed.began for deed in known.deeds_to("flush")]
    sums.exposed += any(ends and min(ends) <= at and not (confirmed and confirmed < at) for at in flushes)
    if early or fate != "done":
        sums.odd[described(known, actor, row, "early" if early else fate)].append(row["id"])


def fate_of(known: Known, actor: Actor, row: LedgerRow, *, done: bool) -> Fate:
    """What became of one message."""
    if actor.confirms:
        if row["confirmed"] is None:
            return "waiting"
        return "done" if done else "lost"
    if done:
        return "done"
    if not row["deliveries"] or known.keeps(row["id"]) or known.now - row["deliveries"][-1] < FRESH_SECONDS:
        return "waiting"
    return "on the way" if killed_after(known, row["deliveries"][-1]) and not known.stored(row["id"]) else "lost"


def killed_after(known: Known, pulled: float) -> bool:
    """Whether the worker that pulled at this time may have been killed before Valkey had the reply."""
    until = pulled + KILLED_WITHIN
    for away in known.deeds_to("valkey"):
        if away.began < until and away.ended > pulled:
            until = max(until, away.ended + PUT_OFF)
    return any(pulled <= deed.ended and deed.began <= until for deed in known.deeds_to("worker"))


def described(known: Known, actor: Actor, row: LedgerRow, what: str) -> str:
    """What is to be said of a message that needs a look: what was done within seconds of its last delivery."""
    pulled = row["deliveries"][-1] if row["deliveries"] else row["published"]
    near = [f"{deed.what} {deed.began - pulled:+.3f} s" for deed in known.deeds if abs(deed.began - pulled) < 3]
    confirms = [round(at - pulled, 3) for at in row["confirms"]]
    return (
        f"{what}: {actor.name}, delivered {len(row['deliveries'])} times, at last at {pulled:.3f},"
        f" confirmed {confirms} s after that, near it: {', '.join(near) or 'nothing'}"
    )
