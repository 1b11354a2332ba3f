"""What polls, batches and messages cost, as it was measured: `python -m tests.bench.sizing costs` measures it anew.

Two cores of a virtual machine with nothing else on it, Python 3.11, Valkey 9.1 on loopback, handlers that do nothing, bodies of
0.1 kB; CPU as /proc tells it. A faster core takes less. It is four runs (nothing to do,
empty polls, batches of one or two messages, batches of fifty) that four costs explain; more work at a time is done together and
costs a little less, so what is told errs on the safe side there.
"""

from dataclasses import dataclass

MS = 0.001
MEGA = 2**20


@dataclass(frozen=True, slots=True)
class Work:
    """What is done a second: pulls, those of them that bring messages, and messages."""

    polls: float
    batches: float
    messages: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What one second of standing by, a poll, a batch (fan-out and confirm) and a message cost."""

    idle: float
    poll: float
    batch: float
    message: float

    def of(self, work: Work) -> float:
        """What a second of this work costs."""
        return self.idle + self.poll * work.polls + self.batch * work.batches + self.message * work.messages


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of one process with what it shares counted once: with few accounts, and for each further one."""

    base: float
    account: float

    def of(self, accounts: int) -> float:
        """Bytes with so many accounts."""
        return self.base + self.account * accounts


PULL = Cost(idle=8 * MS, poll=2.4 * MS, batch=9.7 * MS, message=0.23 * MS)
HANDLE = Cost(idle=5 * MS, poll=0.0, batch=6.5 * MS, message=0.92 * MS)
HANDLE_MAIN = Cost(idle=5 * MS, poll=0.0, batch=2.3 * MS, message=0.32 * MS)
BEAT = Cost(idle=10 * MS, poll=0.17 * MS, batch=0.0, message=0.0)
REDIS = Cost(idle=8 * MS, poll=0.37 * MS, batch=1.9 * MS, message=0.15 * MS)
"""Cores of the pull worker, the handle worker with its processes (of which its main process alone), one beat, and Redis."""

REDIS_COMMANDS = Cost(idle=85, poll=6.5, batch=72, message=4.9)
"""Commands, those inside of scripts too."""

PULL_MEMORY = Memory(140e6, 2100)
HANDLE_MEMORY = Memory(90e6, 0)
PROCESS_BYTES = 28e6
"""Of each process of a handle worker, with handlers that import nothing of their own."""
BEAT_MEMORY = Memory(77e6, 1000)

REDIS_BYTES = 3e6
ACCOUNT_BYTES = 1000
"""When it is due, its latest pull, and eight days of its tally."""
MARK_BYTES = 103
"""That a message was handled, for as long as it is remembered: 300,000 marks took 31 MB."""

LOOK_SECONDS = 0.05
"""So much later than its time a poll is sent, in the mean: beat looks ten times a second."""
QUANTITY = 100
"""Messages of a full batch, by default."""
