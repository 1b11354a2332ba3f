"""How fast handlers take messages, all workers together: seen from how the queue of handle tasks shrinks and grows.

Whoever is about to pull tells how many tasks wait. Together with the number of those handed out, that tells how many were
taken since somebody looked before; it counts as the handlers' rate when tasks waited the whole time, as else they were idle.
"""

from tasks.clock import HOUR
from tasks.store.connection import Client
from tasks.store.keys import PREFIX
from tasks.store.scripts import script

FLOW = PREFIX + "flow"
HANDED = "handed"
KEEP_SECONDS = HOUR
SAMPLE_SECONDS = 0.5
"""Looks closer together than this are one: what is just being handed out would blur them."""

SPAN_SECONDS = 5.0
"""The rate is that of the last seconds, older ones counting ever less."""


class HandlingRate:
    """The rate at which handle tasks are taken."""

    def __init__(self, redis: Client) -> None:
        self._look = script(redis, "handling_rate_look")

    def look(self, waiting: int) -> float | None:
        """Tell that so many handle tasks wait now; how many were taken a second of late, None while nobody knows."""
        rate = self._look(keys=[FLOW], args=[waiting, SAMPLE_SECONDS, SPAN_SECONDS, KEEP_SECONDS])
        return None if rate is None else float(rate)
