"""What becomes of each task that went to a process with others."""

from collections.abc import Callable, Sequence

from billiard.einfo import ExceptionInfo
from billiard.exceptions import Terminated, WorkerLostError

from tasks.plumbing.pool.child import Ended
from tasks.plumbing.pool.job import Job

WENT_WELL = (0, None, 0.0)
"""What a task's call returns that did not fail: its value, which nobody reads, and its seconds."""


Progress = Callable[[], tuple[int, int]]
"""Tells how many jobs are done, and which one runs."""

Over = Callable[[Sequence[Job]], None]
"""Called when the process is through, or gone, with the jobs that are to be run yet."""


class Bundle:
    """Jobs that are with a process."""

    def __init__(self, jobs: Sequence[Job], progress: Progress, over: Over) -> None:
        self.jobs = jobs
        self.began: float | None = None
        """When a process began, by the machine's steady clock."""
        self._progress = progress
        self._over = over
        self._blamed: Job | None = None

    def withdraw(self) -> Sequence[Job]:
        """Take back what the process has not begun, and will not begin: it has been at one job for longer than it goes on after.

        Whatever it tells of them is not heard any more.
        """
        runs = self._progress()[1]
        left, self.jobs = self.jobs[runs + 1 :], self.jobs[: runs + 1]
        return left

    def accepted(self, pid: int, at: float) -> None:
        """A process has begun."""
        self.began = at
        for job in self.jobs:
            job.tell("accept_callback", pid, at)

    def ended(self, ended: Ended) -> None:
        """The process is through; what it did not begin is to be run, as the bundle took longer than it should."""
        self._over(self.jobs[len(ended) :])
        for job, (returned, value, _) in zip(self.jobs, ended, strict=False):
            job.tell("callback" if returned else "error_callback", value)

    def failed(self, why: ExceptionInfo) -> None:
        """The process is gone, or Redis is. The task that ran is told; those that are done have ended well, all others are to
        be run: one that has ended already, but perhaps not told Redis, is known by its mark.

        One that somebody has revoked is told of its own end, whether it ran or not; the others are not told of that one's.
        """
        done, runs = self._progress()
        blamed = self._blamed = self.jobs[min(runs, len(self.jobs) - 1)]
        left = [job for job in self.jobs[done:] if job is not blamed]
        self._over([job for job in left if not job.revoked])
        for job in self.jobs[:done]:
            if job is not blamed:
                job.tell("callback", WENT_WELL)
        meant = blamed.revoked or not issubclass(why.type or object, Terminated)
        blamed.tell("error_callback", why if meant else bystanders(why))
        for job in left:
            if job.revoked:
                job.tell("error_callback", why)

    def timed_out(self, *, soft: bool, timeout: float) -> None:
        """One takes too long; called before its process is interrupted (`soft`), or after `failed`, before it is killed."""
        blamed = self._blamed or self.jobs[min(self._progress()[1], len(self.jobs) - 1)]
        blamed.tell("timeout_callback", soft=soft, timeout=timeout)


def bystanders(why: ExceptionInfo) -> ExceptionInfo:
    """The end of a process for a task that ran in it when another was to be ended."""
    try:
        raise WorkerLostError(f"another task of its process was ended: {why.exception!r}")  # noqa: TRY301 - for its traceback
    except WorkerLostError:
        return ExceptionInfo()
