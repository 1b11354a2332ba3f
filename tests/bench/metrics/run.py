"""A run in which workers are killed while messages flow, and what the counters say when all of them have ended."""

from collections.abc import Callable
from pathlib import Path

from tasks.rules.measures import Measured
from tests.bench.metrics.truth import Check, Truth, checks
from tests.end_to_end.chaos.plan import Plan
from tests.end_to_end.chaos.run import Run


class CountedRun(Run):
    """The chaos run without its faults: what a platform has done after a reply that was lost, nobody here can count."""

    def __init__(self, plan: Plan, folder: Path, say: Callable[[str], None]) -> None:
        super().__init__(plan, folder, say)
        self.checks: list[Check] = []

    def _publish(self) -> None:
        self._stage.control.clear_faults()
        super()._publish()

    def _settle(self) -> None:
        super()._settle()
        self._wait(2 * self._plan.lease, self._closed)
        found = self._stage.stores.measures.read()
        self.checks = [*checks(found, self._truth())]
        self.measured: Measured = found

    def _closed(self) -> bool:
        """Whether every confirm is noted: it counts a moment after the platform knows, and one that a killed worker had in hand
        counts when the next one has it."""
        stores = self._stage.stores
        return not (stores.batches.under_way(stores.clock.now()) or stores.deferred.redis.hlen("tidings:unacked"))

    def _truth(self) -> Truth:
        stage = self._stage
        return Truth(stage.ledger(), stage.journal.handled(), list(stage.stores.letters.all()))
