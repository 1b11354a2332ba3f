"""What the counters have to say, by the sandbox's ledger, the handlers' journal and the dead letters. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tasks.commands.demo.cast import Actor
from tasks.commands.demo.journal import Handled
from tasks.rules.measures import Measured
from tasks.sandbox.control import LedgerRow
from tasks.store.letters import Letter

Gateway = str


@dataclass(frozen=True, slots=True)
class Check:
    """One counter beside what it has to be: `least` and `most` are the same where there is but one right number."""

    what: str
    found: int
    least: int
    most: int

    @property
    def good(self) -> bool:
        """Whether it is."""
        return self.least <= self.found <= self.most

    def __str__(self) -> str:
        wanted = str(self.least) if self.least == self.most else f"{self.least} to {self.most}"
        return f"{self.what:<60}{self.found:>8}, the ledger says {wanted}{'' if self.good else '  DIFFERS'}"


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of all messages of a run that is over, apart from the counters."""

    ledger: Mapping[Actor, Sequence[LedgerRow]]
    handled: Handled
    letters: Sequence[Letter]


def checks(measured: Measured, truth: Truth) -> Iterator[Check]:
    """Every counter that the ledger, the journal or the letters can judge."""
    yield from of_handled(measured, truth)
    yield from of_letters(measured, truth)
    yield from of_platforms(measured, truth)


def of_handled(measured: Measured, truth: Truth) -> Iterator[Check]:
    """Messages that were handled, by gateway and topic: each once, however often it was begun."""
    buried = {(each.account, each.item.id) for each in truth.letters}
    wanted: Counter[tuple[Gateway, str]] = Counter()
    for actor, rows in truth.ledger.items():
        for row in rows:
            if (name := (actor.name, row["id"])) in truth.handled and name not in buried:
                wanted[actor.platform, row["topic"]] += 1
    messages = measured.counters["message"].items()
    found = {(labels[0], labels[1]): number for labels, number in messages if labels[2] == "handled"}
    for gateway, topic in sorted(wanted.keys() | found.keys()):
        number = wanted[gateway, topic]
        yield Check(f"handled {gateway} {topic}", found.get((gateway, topic), 0), number, number)
        for which in ("handler", "lag"):
            histogram = measured.histograms[which].get((gateway, topic))
            yield Check(f"{which} {gateway} {topic}", sum(histogram.buckets) if histogram else 0, number, number)


def of_letters(measured: Measured, truth: Truth) -> Iterator[Check]:
    """Dead letters by gateway and kind, and how many messages are dead."""
    gateways = {actor.name: actor.platform for actor in truth.ledger}
    wanted = Counter((gateways[each.account], str(each.kind)) for each in truth.letters)
    found = {(gateway, kind): number for (gateway, kind), number in measured.counters["buried"].items()}
    for labels in sorted(wanted.keys() | found.keys()):
        yield Check(f"buried {' '.join(labels)}", found.get(labels, 0), wanted[labels], wanted[labels])
    dead = sum(number for labels, number in measured.counters["message"].items() if labels[2] == "dead")
    yield Check("dead", dead, wanted.total(), wanted.total())


def of_platforms(measured: Measured, truth: Truth) -> Iterator[Check]:
    """What was pulled, what became of it in the end, and what was confirmed, by gateway.

    A pull whose worker was killed before it could hand out is a delivery that nobody counts. A message that came again before
    its first batch was confirmed is confirmed with both; where a worker was killed after the call, the same confirm is made
    twice and counts once. What vvtool's inbox hands out again is crossed off once, and is not pulled again. Outcomes that are not
    the last ones (`failed`, `late`, `duplicate`) no ledger knows: after a kill a message has one with its batch, and another with
    the task that comes again.
    """
    for gateway in sorted({actor.platform for actor in truth.ledger}):
        rows = [row for actor, some in truth.ledger.items() if actor.platform == gateway for row in some]
        pulled = sum(n for labels, n in measured.counters["pulled"].items() if labels[0] == gateway)
        yield Check(f"pulled {gateway}", pulled, len(rows), sum(len(row["deliveries"]) for row in rows))
        ends = measured.counters["message"].items()
        lasting = sum(n for (where, _, outcome), n in ends if where == gateway and outcome in ("handled", "dead"))
        yield Check(f"handled or dead {gateway}", lasting, len(rows), len(rows))
        confirmed = measured.counters["confirmed"].get((gateway,), 0)
        if gateway == "vvtool":
            yield Check(f"confirmed {gateway}", confirmed, len(rows), len(rows))
        else:
            once, often = sum(row["confirmed"] is not None for row in rows), sum(len(row["confirms"]) for row in rows)
            yield Check(f"confirmed {gateway}", confirmed, once, often)
