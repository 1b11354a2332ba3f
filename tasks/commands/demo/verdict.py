"""What became of every message, by the sandbox's ledger, the handlers' journal and the dead letters. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Self

from tasks.commands.demo.cast import Actor
from tasks.commands.demo.journal import Entry
from tasks.sandbox.control import LedgerRow
from tasks.store.letters import Letter


@dataclass(frozen=True, slots=True)
class Sums:
    """Messages of an account, or of all.

    `waiting` ones will come again, or have not come yet. `lost` ones never will: their platform takes them for done with,
    nobody handled them and no letter holds them. `early` ones were confirmed before their handler returned or their letter
    was stored. `again` ones were delivered more than once, `twice` ones handled more than once.
    """

    published: int = 0
    handled: int = 0
    confirmed: int = 0
    buried: int = 0
    waiting: int = 0
    lost: int = 0
    early: int = 0
    again: int = 0
    twice: int = 0

    def __add__(self, other: Self) -> "Sums":
        return Sums(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def good(self) -> bool:
        """Whether everything got done, and nothing went wrong."""
        return self.published > 0 and not (self.waiting or self.lost or self.early)


def judge(actor: Actor, ledger: Iterable[LedgerRow], journal: Iterable[Entry], letters: Iterable[Letter]) -> Sums:
    """The sums of one account."""
    handled: defaultdict[str, list[float]] = defaultdict(list)
    for entry in journal:
        if entry.account == actor.name:
            handled[entry.id].append(entry.at)
    buried = {letter.item.id: letter.buried for letter in letters if letter.account == actor.name}
    rows = (_one(actor, row, handled[row["id"]], buried.get(row["id"])) for row in ledger)
    return sum(rows, Sums())


def _one(actor: Actor, row: LedgerRow, handled: Sequence[float], buried: float | None) -> Sums:
    ends = [*handled, *([] if buried is None else [buried])]
    confirmed = row["confirmed"]
    early = confirmed is not None and (not ends or confirmed < min(ends))
    taken = confirmed is not None if actor.confirms else bool(row["deliveries"])
    lost = taken and not ends
    done = bool(ends) and (confirmed is not None or not actor.confirms)
    return Sums(
        published=1,
        handled=bool(handled),
        confirmed=confirmed is not None,
        buried=buried is not None,
        waiting=not done and not lost,
        lost=lost,
        early=early,
        again=len(row["deliveries"]) > 1,
        twice=len(handled) > 1,
    )


def summary(total: Sums) -> str:
    """The sums on one line."""
    longer = {"again": "delivered again", "twice": "handled twice"}
    return "  ".join(f"{longer.get(each.name, each.name)} {getattr(total, each.name)}" for each in fields(total))


def words(total: Sums) -> str:
    """The verdict in a sentence."""
    if total.good:
        return "every message was handled or buried, nothing was lost, nothing was confirmed early."
    wrong = {
        "were lost": total.lost,
        "were confirmed early": total.early,
        "wait to be handled and confirmed": total.waiting,
    }
    said = [f"{number} of {total.published} messages {what}" for what, number in wrong.items() if number]
    return "; ".join(said or ["nothing was published"]) + "."
