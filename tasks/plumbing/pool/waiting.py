"""What waits in a worker for a process: how long it takes, how much it may be, whose turn it is, what goes together. Pure."""

from collections import deque
from collections.abc import Sequence
from math import inf

from tasks.plumbing.pool.job import Job

SECONDS = 0.12
"""What a bundle should take: so long the last task in it waits for the others, while other processes may be idle. Half of it
left 2 % of the time of processes that run handlers of 20 ms unused. Two that wait 50 ms for an answer go together."""

MOST = 80
"""The most tasks in a bundle. Handlers that do nothing got 8 % more done with 40 than with 20, and 4 % more with 80 than with 40;
slower ones come in fewer, by their time."""

AHEAD_SECONDS = 0.05
"""How much work, by what is expected of it, may wait in a worker for each of its processes. Twice as much made handlers that do
nothing slower by 5 %."""

SLOW_SECONDS = 0.1
"""Nothing waits here beside a kind that takes longer: another worker may be idle. Where that was 0.05, processes that wait 50 ms
for an answer had to wait for their next message too, a seventh of their time."""

WEIGHT = 1 / 16
"""How much the latest task counts; a slow one is remembered for some dozens."""

LEAST_SECONDS = 0.0005
"""No task takes less, with all that is done for it."""

MOST_KINDS = 1000
"""So many kinds are told apart; then all is learnt anew."""


class Durations:
    """The recent mean of each kind, in seconds."""

    def __init__(self) -> None:
        self._means: dict[str, float] = {}
        self.usual = inf
        """The recent mean of all."""

    def note(self, kind: str, seconds: float) -> None:
        """A task of that kind has taken so long."""
        if len(self._means) >= MOST_KINDS and kind not in self._means:
            self._means.clear()
        was = self._means.get(kind, seconds)
        self._means[kind] = was + WEIGHT * (seconds - was)
        self.usual = seconds if self.usual == inf else self.usual + WEIGHT * (seconds - self.usual)

    def expected(self, kind: str | None) -> float:
        """How long the next task of that kind should take; infinity when nothing is known."""
        return inf if kind is None else self._means.get(kind, inf)


class Waiting:
    """Jobs by kind. The kinds take turns, so that neither slow tasks nor a pile of quick ones hold the others."""

    def __init__(self, durations: Durations) -> None:
        self._durations = durations
        self._lines: dict[str | None, deque[Job]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def add(self, job: Job) -> None:
        """Put a job behind the others of its kind."""
        self._lines.setdefault(job.kind, deque()).append(job)

    def put_back(self, jobs: Sequence[Job]) -> None:
        """Put jobs that were taken before the others of their kinds."""
        for job in reversed(jobs):
            self._lines.setdefault(job.kind, deque()).appendleft(job)

    def clear(self) -> None:
        """Forget all jobs."""
        self._lines.clear()

    def take(self, idle: int) -> list[Job]:
        """The next bundle for one of so many idle processes: as much of the kind whose turn it is, and of the next ones, as
        should be done in `SECONDS`, and no more than this process's share; one job in any case. Empty when nothing waits.
        """
        share = min(MOST, -(-len(self) // max(1, idle)))
        left, jobs = SECONDS, list[Job]()
        for kind in list(self._lines):
            takes, line = self._durations.expected(kind), self._lines[kind]
            while line and len(jobs) < share and (takes <= left or not jobs):
                jobs.append(line.popleft())
                left -= takes
            if jobs and jobs[-1].kind == kind:  # its turn is over
                del self._lines[kind]
                if line:
                    self._lines[kind] = line
            if len(jobs) == share or left <= 0:
                break
        return jobs

    def lacks(self, processes: int, seconds: float) -> int:
        """How many more jobs the processes would be through with in so many seconds, if they are like those of late."""
        return max(0, round(processes * seconds / max(self._durations.usual, LEAST_SECONDS)) - len(self))

    def room(self, processes: int, away: float = 0.0) -> bool:
        """Whether more may be taken from a broker so many seconds away: what waits is known to be quick, and little."""
        left = processes * (AHEAD_SECONDS + away)
        for kind, line in self._lines.items():
            takes = self._durations.expected(kind)
            if takes > SLOW_SECONDS:
                return False
            left -= takes * len(line)
        return left > 0
