"""What became of every message, by the sandbox's ledger, the handlers' journal and the dead letters. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Self

from tasks.commands.demo.cast import Actor
from tasks.commands.demo.journal import Handled
from tasks.sandbox.control import LedgerRow
from tasks.store.letters import Letter


@dataclass(frozen=True, slots=True)
class Sums:
    """Messages of an account, or of all.

    `waiting` ones will come again, or have not come yet. `lost` ones never will: their platform takes them for done with,
    nobody handled them and no letter holds them. `early` ones were confirmed before their handler returned or their letter
    was stored. `again` ones were delivered more than once, and `twice` counts handlings too many.
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


def judge(
    ledger: Mapping[Actor, Iterable[LedgerRow]], handled: Handled, letters: Sequence[Letter]
) -> dict[Actor, Sums]:
    """The sums of every account."""
    return {
        actor: sum((judge_one(actor, row, handled, letters) for row in rows), Sums()) for actor, rows in ledger.items()
    }


def judge_one(actor: Actor, row: LedgerRow, handled: Handled, letters: Iterable[Letter]) -> Sums:
    """The sums of one message."""
    times = handled.get((actor.name, row["id"]), ())
    buried = None if times else when_buried(letters, actor.name, row["id"])
    ends = [*times, *([] if buried is None else [buried])]
    confirmed = row["confirmed"]
    taken = confirmed is not None if actor.confirms else bool(row["deliveries"])
    return Sums(
        published=1,
        handled=bool(times),
        confirmed=confirmed is not None,
        buried=buried is not None,
        waiting=not taken and not (ends and not actor.confirms),
        lost=taken and not ends,
        early=confirmed is not None and not any(end <= confirmed for end in ends),
        again=len(row["deliveries"]) > 1,
        twice=max(0, len(times) - 1),
    )


def when_buried(letters: Iterable[Letter], account: str, id_: str) -> float | None:
    """When a message was buried; the letter of an item or a reply that could not be read has the id in its content."""
    ours = (letter for letter in letters if letter.account == account)
    return min(
        (each.buried for each in ours if each.item.id == id_ or (not each.item.topic and id_ in each.item.content)),
        default=None,
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
