"""One run: start everything, let orders come, do what the trial does, wait until every message has ended, judge."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tasks.commands.demo.cast import CAST, Actor
from tasks.commands.group import Unusable
from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping
from tasks.sandbox.control import Control
from tasks.sandbox.process import running
from tasks.store.deferred import ANSWER_SECONDS
from tests.end_to_end.chaos.evidence import Evidence
from tests.end_to_end.chaos.handlers import WORK_SECONDS
from tests.end_to_end.chaos.verdict import Deed
from tests.outgrowing.figures import Outcome, Span, outcome
from tests.outgrowing.load import Load
from tests.outgrowing.server import Server
from tests.outgrowing.stage import CONCURRENCY, RunStage

LOOK_SECONDS = 0.1
CALM_LOOK_SECONDS = 1.0
START_SECONDS = 40.0

IN_HAND = CONCURRENCY * (math.ceil(ANSWER_SECONDS / WORK_SECONDS) + 1)
"""What a worker has handled when its Redis goes away, and Redis has no mark of: a process waits for answers once in
`ANSWER_SECONDS`, and begins nothing without one; so many handlers of `WORK_SECONDS` end within that time, and one more runs.
All of its processes are busy, as each fault comes while the worker catches up with the one before."""


class Trial:
    """What makes one run differ from the next. `lease` is in seconds, `rate` in messages a second, `limit` in seconds for
    the whole run; `most_twice` bounds what may be handled once too often, for the reason that stands next to it. What a Redis
    that went back in time explains (`Run.forgotten`) is counted, and comes on top."""

    name = ""
    lease = 10.0
    rate = 60.0
    limit = 180.0
    actors: Sequence[Actor] = CAST
    most_twice = 0
    host = "127.0.0.1"

    def missing(self) -> str:
        """Why it cannot be run here; "" if it can."""
        return ""

    def prepare(self) -> None:
        """Make what has to be there before anything starts."""

    def stage(self, folder: Path, processes: Processes, stopping: Stopping, control: Control) -> RunStage:
        """The processes; one Redis and one machine unless told otherwise."""
        server = Server(folder / "redis", free())
        return RunStage(folder, processes, stopping, control, server=server, lease=self.lease)

    def trouble(self, run: "Run") -> None:
        """What is done while orders come."""
        raise NotImplementedError

    def clean(self) -> None:
        """Take away what was made on this machine."""


def free() -> int:
    """A port that nobody listens on."""
    from tasks.commands.processes.valkey import free_port

    return free_port()


@dataclass(slots=True)
class Report:
    """What a run came to; `alone` are processes that ended although nobody had touched them, `notes` what else was seen."""

    trial: Trial
    found: Outcome
    alone: list[str]
    notes: list[str] = field(default_factory=list)

    @property
    def most_twice(self) -> int:
        """How many handlings too many there may be."""
        return self.trial.most_twice + self.found.gone.again

    @property
    def good(self) -> bool:
        """Whether everything that was to be shown is shown."""
        found = self.found
        right = not (found.leased.all.lost or found.early or found.waiting or self.alone)
        within = found.twice <= self.most_twice and found.given.all.lost <= found.gone.lost
        return right and within and found.leased.all.published > 0


class Run:
    """A run in a folder; nothing is left running after it."""

    def __init__(self, trial: Trial, folder: Path, say: Callable[[str], None]) -> None:
        self.trial = trial
        self.folder = folder
        self.say = say
        self.deeds: list[Deed] = []
        self.alone: list[str] = []
        self.notes: list[str] = []
        self.forgotten: list[Span] = []

    def perform(self) -> Report:
        """Do it all. Raises `Unusable` when a part cannot be had, `Interrupted` when asked to stop."""
        self.trial.prepare()
        where = ("--host", self.trial.host, "--lease", f"{self.trial.lease:g}")
        with Stopping() as stopping, running(*where) as control, Processes() as processes:
            self.stopping, self.processes = stopping, processes
            self.stage = self.trial.stage(self.folder, processes, stopping, control)
            self._ends = time.monotonic() + self.trial.limit
            try:
                return self._perform()
            finally:
                processes.kill(*processes.names)

    def _perform(self) -> Report:
        self.stage.set_up()
        self.evidence = Evidence(self.stage)
        for name in self.stage.parts:
            self.stage.start(name)
        self.until(self.stage.all_ready, START_SECONDS, "every worker takes tasks")
        with Load(self.stage.control.url, self.trial.actors, self.trial.rate) as self.load:
            self.until(lambda: self.evidence.handled() > CONCURRENCY, START_SECONDS, "the work has begun")
            self.wait(3)
            self.trial.trouble(self)
        self.say(f"no more orders; {self.handled} of {self.load.published} are handled")
        return Report(self.trial, self._settle(), self.alone, self.notes)

    @property
    def handled(self) -> int:
        """How many messages were handled so far."""
        return self.evidence.handled()

    @contextmanager
    def deed(self, what: str, *, after: float = 0.0) -> Iterator[None]:
        """Note that this is done, from when to when; what it does may go on for `after` seconds."""
        began = time.time()
        self.say(f"{what}; {self.handled} handled")
        try:
            yield
        finally:
            self.deeds.append(Deed(what, began, time.time() + after))

    def wait(self, seconds: float) -> None:
        """Let so much time pass, and see who ends by himself meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._look_after()
            self.stopping.pause(min(left, LOOK_SECONDS))

    def until(self, condition: Callable[[], object], seconds: float, what: str) -> float:
        """Wait for a condition; how long it took. Raises `Unusable` when it does not come true in time."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > seconds:
                raise Unusable(f"not within {seconds:g} s: {what}; what every process said is in {self.stage.where()}")
            self.wait(LOOK_SECONDS)
        return time.monotonic() - began

    def goes_on(self, seconds: float = 60.0) -> float:
        """Wait until messages are handled again; how long that took."""
        before = self.handled
        took = self.until(lambda: self.handled > before + CONCURRENCY, seconds, "messages are handled again")
        self.say(f"goes on after {took:.1f} s")
        return took

    def _look_after(self) -> None:
        """Start what ended by itself, and note it: nothing that is done here is a reason to end."""
        for ended in self.processes.ended():
            self.alone.append(str(ended))
            if ended.name in self.stage.parts:
                self.stage.start(ended.name)

    def _settle(self) -> Outcome:
        """Wait until nothing is waiting any more, or time is up."""
        while True:
            self.wait(CALM_LOOK_SECONDS)
            found = outcome(self.evidence.look(self.deeds), self.forgotten)
            if not found.waiting or time.monotonic() > self._ends:
                return found
