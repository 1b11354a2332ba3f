"""Counts what became of a batch's messages and of their confirm: for the day, for /metrics, and for what went wrong lately."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from tasks import clock
from tasks.confirming import whose
from tasks.confirming.telling import LONGEST
from tasks.rules import measures
from tasks.rules.lease import Batch
from tasks.rules.measures import Numbers
from tasks.rules.outcomes import confirmable
from tasks.runtime import stores
from tasks.store.batches import Open
from tasks.store.troubles import Trouble
from tasks.text import shown, unplain

Results = Sequence[Sequence[Any]]
"""Of each message its receipt and outcome, and how long it took a handler that returned; a later version may say more."""


def allowed(results: Results, account: str, found: Open | None) -> tuple[list[str], Counter[str]]:
    """Count the outcomes of a batch, or of a message by itself (None); the receipts that may be confirmed and were not yet."""
    outcomes = [(unplain(receipt), outcome) for receipt, outcome, *_ in results]
    outcomes += found.settled if found else ()
    counts = Counter(outcome for _, outcome in outcomes)
    stores().tally.add(account, counts, now=clock.now())
    confirmed = {*(found.confirmed if found else ())}
    return [receipt for receipt in confirmable(outcomes) if receipt not in confirmed], counts


def measured(results: Results, batch: Batch, found: Open | None) -> Numbers:
    """What a batch's outcomes add to the counters; nothing when they did before, or nobody knows their topics."""
    if found is None or found.counted:
        return {}
    topics = found.topic_of
    ends = ((topics.get(unplain(receipt), ""), outcome, took) for receipt, outcome, *took in filter(None, results))
    return measures.ended(batch.gateway, ends)


def taken_by(batch: Batch, receipts: list[str]) -> Numbers:
    """What the platform's having taken these adds to the counters; on vv-tool the inbox has counted what it crossed off."""
    if whose.platform(batch) == "vvtool":
        return {}
    return {measures.named("confirmed", batch.gateway): len(receipts)}


def count(batch: Batch, what: Literal["late_confirms", "unconfirmed"], number: int, why: str = "") -> None:
    """Count messages whose confirm came late or never."""
    stores().tally.add(batch.account, {what: number}, now=clock.now())
    stores().troubles.add(Trouble(batch.account, what, text=shown(why, LONGEST), count=number))
    stores().measures.add({measures.named("late" if what == "late_confirms" else what, batch.gateway): number})
