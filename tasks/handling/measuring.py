"""What the end of one delivery adds to the counters of `/metrics`."""

import time
from datetime import datetime

from tasks import clock
from tasks.handling.delivery import Delivery
from tasks.rules import measures
from tasks.rules.measures import Numbers
from tasks.rules.outcomes import Outcome


def handled(given: Delivery, published: datetime | None, began: float) -> tuple[str, Numbers]:
    """The counter of a message whose handler has just returned, begun then by the steady clock, and what it adds to sums."""
    seconds = time.monotonic() - began
    lag = max(0.0, clock.now() - published.timestamp()) if published else None
    about = given.batch.gateway, given.item.topic, seconds, lag
    return measures.handled(*about), measures.lasted(*about)


def ended(given: Delivery, outcome: Outcome) -> str:
    """The counter of a message that ended in any other way."""
    return measures.named("message", given.batch.gateway, measures.plain(given.item.topic), outcome)
