"""One run: publish, kill, restart, flush, wait until every message has ended, judge."""

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tasks.commands.demo.cast import CAST
from tasks.commands.demo.script import shares
from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping
from tasks.sandbox.process import running
from tests.end_to_end.chaos import faults, plan
from tests.end_to_end.chaos.evidence import Evidence
from tests.end_to_end.chaos.plan import WORKERS, Act, Plan
from tests.end_to_end.chaos.script import messages
from tests.end_to_end.chaos.stage import ChaosStage
from tests.end_to_end.chaos.verdict import Deed, Sums, judge

LOOK_SECONDS = 0.1
CALM_LOOK_SECONDS = 1.0
START_SECONDS = 60.0
"""How long the first message may take, and a worker to be ready. On a free machine that is two seconds, much less than a
worker lives; on one so busy that workers would die before they do anything, they get a moment."""

WORK_SECONDS = 2.0

SIGNALS = {"valkey stops": signal.SIGTERM, "valkey is killed": signal.SIGKILL}


@dataclass(slots=True)
class Report:
    """What there is to tell of a run. `alone` tells what ended although nobody had touched it, `apis` is the sandbox's sum
    of calls and errors while there were faults, `stirred` and `calm` are seconds with faults and without."""

    plan: Plan
    sums: Sums = field(default_factory=Sums)
    deeds: list[Deed] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)
    apis: dict[str, Any] = field(default_factory=dict)
    stirred: float = 0.0
    calm: float = 0.0

    def count(self, start: str) -> int:
        """How often something was done to processes whose name begins so."""
        return sum(deed.what.startswith(start) for deed in self.deeds)

    @property
    def most_twice(self) -> int:
        """How many handlings too many there may be: what ran when its worker, or the Redis for its mark, went away."""
        at_once = self.plan.concurrency
        return at_once * (self.count("worker") + len(WORKERS) * self.count("valkey")) + self.sums.exposed

    @property
    def most_alone(self) -> int:
        """How many workers may end by themselves: on Celery's own transport each one does when its Redis goes away."""
        return len(WORKERS) * self.count("valkey") if self.plan.stock else 0

    @property
    def good(self) -> bool:
        """Whether everything that was to be shown is shown."""
        over = self.sums.done + self.sums.on_the_way == self.plan.messages and not self.sums.inbox
        wanted = {"worker": self.plan.kills, "beat": self.plan.beats, "flush": self.plan.flush}
        enough = all(
            self.count(what) >= number for what, number in {**wanted, "valkey": len(self.plan.restarts)}.items()
        )
        within = self.sums.all.twice <= self.most_twice and len(self.alone) <= self.most_alone
        return over and enough and within and not self.sums.all.early


class Run:
    """A run in a folder; nothing is left running after it."""

    def __init__(self, plan: Plan, folder: Path, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._folder = folder
        self._say = say
        self._published = 0
        self._dice = random.Random(plan.seed)

    def perform(self) -> Report:
        """Do it all. Raises `Unusable` when a part cannot be had, `Interrupted` when asked to stop."""
        self.report = Report(self._plan)
        lease = str(self._plan.lease)
        with Stopping() as stopping, running("--lease", lease) as control, Processes() as processes:
            self._stopping, self._processes = stopping, processes
            self._stage = ChaosStage(self._folder, processes, stopping, control, self._plan)
            try:
                self._perform()
            finally:
                processes.kill(*processes.names)
        return self.report

    def _perform(self) -> None:
        self._stage.set_up()
        self._evidence = Evidence(self._stage)
        self._ends = time.monotonic() + self._plan.seconds
        faults.spoil(self._stage.control, self._plan)
        self._publish()
        for name in (*WORKERS, "beat"):
            self._stage.start(name)
        started = time.monotonic()
        self._wait(START_SECONDS, lambda: self._evidence.handled() > 0)
        self._stir()
        calm = time.monotonic()
        self.report.stirred = calm - started
        self.report.apis = self._stage.control.summary()["apis"]
        self._stage.control.clear_faults()
        self._say(f"faults stop; {self._evidence.handled()} of {self._plan.messages} are handled")
        self._settle()
        self.report.calm = time.monotonic() - calm

    def _stir(self) -> None:
        for act in plan.acts(self._plan):
            self._wait(act.wait)
            if act.what in WORKERS and not self._stage.ready(act.what):
                self._wait(START_SECONDS, partial(self._stage.ready, act.what))
                self._wait(WORK_SECONDS)
            self._do(act)
            done = self._evidence.handled() >= self._plan.enough * self._plan.messages
            if (done and self.report.count("worker") >= self._plan.kills) or time.monotonic() > self._ends:
                return

    def _publish(self) -> None:
        """The next part of the messages, to all accounts alike."""
        until = min(self._plan.messages, self._published + self._plan.messages // self._plan.shares + 1)
        actors = [actor for actor in CAST if actor.platform in self._plan.platforms]
        before, after = (shares(total, len(actors)) for total in (self._published, until))
        for actor, start, end in zip(actors, before, after, strict=True):
            if end > start:
                some = list(messages(actor, start, end - start))
                self._stage.control.publish(actor.platform, some, **actor.where)
        self._published = until

    def _do(self, act: Act) -> None:
        self._look_after()
        began = time.time()
        if act.what == "orders come":
            self._publish()
            return
        if act.what in SIGNALS:
            self._stage.restart_valkey(SIGNALS[act.what], self._dice.uniform(0.2, 1.2))
        elif act.what == "flush":
            self._evidence.flushed += self._stage.flush()
        else:
            self._processes.kill(act.what)
            self._stage.start(act.what)
        self.report.deeds.append(Deed(act.what, began, time.time()))
        self._say(f"{act.what}; {self._evidence.handled()} handled")

    def _wait(self, seconds: float, enough: Callable[[], bool] = lambda: False) -> None:
        """Wait so long, or until it is enough; meanwhile see to what has ended by itself."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not enough():
            self._look_after()
            self._stopping.pause(min(left, LOOK_SECONDS))

    def _look_after(self) -> None:
        """Start what ended by itself, and note it: nothing that is done here is a reason to end."""
        for ended in self._processes.ended():
            self.report.alone.append(str(ended))
            self._stage.start(ended.name)

    def _settle(self) -> None:
        """Wait until nothing is waiting any more, or time is up."""
        while True:
            self._wait(CALM_LOOK_SECONDS)
            self.report.sums = sums = judge(self._evidence.look(self.report.deeds))
            if not (sums.all.waiting or sums.inbox) or time.monotonic() > self._ends:
                return
