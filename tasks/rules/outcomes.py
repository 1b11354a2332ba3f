"""What can become of one delivery, and what follows from it. Pure."""

from collections.abc import Iterable
from typing import Literal

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
