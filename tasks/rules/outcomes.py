"""What can become of one delivery, and what follows from it. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

Outcome = Literal["handled", "duplicate", "superseded", "ignored", "dead", "failed", "again", "late"]
"""
handled     its handler returned
duplicate   it was handled or buried before
superseded  a newer message of its key was handled, and its handler asks for the latest alone
ignored     nobody handles its topic
dead        it is stored as a dead letter
failed      left: it comes again after its lease
again       it is tried again apart from its batch, which does not wait for it
late        its delivery started when the lease had no time left; dropped, as the platform sends it again
"""

CONFIRMABLE = frozenset({"handled", "duplicate", "superseded", "ignored", "dead"})


def confirmable(results: Iterable[tuple[str, str]]) -> list[str]:
    """The receipts that may be confirmed, each once, in their order. A receipt with no id in the reply is "" and left out."""
    return list(dict.fromkeys(receipt for receipt, outcome in results if receipt and outcome in CONFIRMABLE))


def lasting(values: Iterable[tuple[int, Sequence[Any] | None]]) -> dict[int, Any]:
    """What each header of a chord has come to, by its place, of all that was returned, in that order: what it returned last.

    What may be confirmed stays: a header that comes again after a kill only finds that its message is done with.
    """
    found: dict[int, Any] = {}
    for place, value in values:
        match found.get(place):
            case (_, outcome, *_) if outcome in CONFIRMABLE:
                pass
            case _:
                found[place] = value
    return found
