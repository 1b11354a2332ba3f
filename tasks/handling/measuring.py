"""What the end of one delivery adds to the counters of `/metrics`."""

import time
from datetime import datetime

from tasks import clock
from tasks.handling.delivery import Delivery
from tasks.rules import measures
from tasks.rules.measures import micros
from tasks.rules.outcomes import Outcome


def took(published: datetime | None, began: float) -> tuple[int, int | None]:
    """How long it took a handler that has just returned, begun then by the steady clock, and since the message was published."""
    lag = micros(clock.now() - published.timestamp()) if published else None
    return micros(time.monotonic() - began), lag


def ended(given: Delivery, outcome: Outcome) -> str:
    """The counter of a message that ended in any other way."""
    return measures.named("message", given.batch.gateway, measures.plain(given.item.topic), outcome)
