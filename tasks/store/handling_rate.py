"""How fast handlers take messages, all workers together: seen from how the queue of handle tasks shrinks and grows.

Whoever is about to pull tells how many tasks wait. Together with the number of those handed out, that tells how many were
taken since somebody looked before. Handlers are at least so fast, so it may raise their rate whatever else happened. That they
are no faster it tells only if fewer were taken than waited at first: else the queue may have been empty for a while, and
handlers idle. By samples of that kind a rate would keep itself low: who is held back for its sake leaves handlers idle.
"""

from tasks.clock import HOUR
from tasks.rules.backpressure import Backlog
from tasks.store.connection import Client
from tasks.store.keys import PREFIX
from tasks.store.scripts import script

FLOW = PREFIX + "flow"
HANDED = "handed"
KEEP_SECONDS = HOUR
SAMPLE_SECONDS = 0.5
"""Looks closer together than this are one: what is just being handed out would blur them."""

RISE_SECONDS, SPAN_SECONDS = 2.0, 5.0
"""The rate is that of the last seconds, older ones counting ever less, and sooner so where it rises."""


class HandlingRate:
    """The rate at which handle tasks are taken."""

    def __init__(self, redis: Client) -> None:
        self._look = script(redis, "handling_rate_look")

    def look(self, waiting: int) -> Backlog:
        """Tell that so many handle tasks wait now; these, and how many were taken a second of late."""
        rate, known = self._look(keys=[FLOW], args=[waiting, SAMPLE_SECONDS, RISE_SECONDS, SPAN_SECONDS, KEEP_SECONDS])
        return Backlog(waiting, float(rate)) if known else Backlog(waiting, least=float(rate))
