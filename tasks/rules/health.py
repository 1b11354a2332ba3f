"""Whether an installation can work: a beat, pullers and handlers that are alive, connected and get on. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from tasks.names import CONSUME_QUEUE, WITHOUT_HANDLERS

LOOP_SECONDS = 30.0
"""A main loop that has not turned for so long hangs, or waits for a Redis that hangs."""

POLLS_SECONDS = 120.0
"""A process whose polls and confirms neither begin nor end for so long does not get on: each has limits far below that."""

MESSAGES_SLACK_SECONDS = 60.0
"""The same of messages, beyond the longest time that a handler may take."""

Role = Literal["beat", "pullers", "handlers"]

ROLES: tuple[Role, ...] = ("beat", "pullers", "handlers")


@dataclass(frozen=True, slots=True)
class Progress:
    """Tasks in hand at the last look, how many had begun ever, and since when (seconds) nothing has changed with those."""

    ids: frozenset[str]
    begun: int
    since: float


NO_PROGRESS = Progress(frozenset(), -1, 0.0)


def progressed(before: Progress, ids: frozenset[str], begun: int, now: float) -> Progress:
    """What the next look tells: `since` is now unless there were tasks, none of which has ended, and no other began."""
    stands = bool(before.ids) and before.ids <= ids and begun == before.begun
    return Progress(ids, begun, before.since if stands else now)


class Process(Protocol):
    """What a worker or a beat says of itself (`tasks.store.presence.Presence`)."""

    @property
    def kind(self) -> str:
        """`worker` or `beat`."""

    @property
    def name(self) -> str:
        """The node's name, or a beat's host."""

    @property
    def queues(self) -> tuple[str, ...]:
        """From which it takes."""

    @property
    def connected(self) -> bool:
        """Whether it has its broker, and accounts if it needs them."""

    @property
    def loop(self) -> float:
        """How many seconds ago its main loop has turned."""

    @property
    def polls(self) -> float:
        """For how many seconds no poll or confirm has begun or ended while there were some."""

    @property
    def messages(self) -> float:
        """The same of messages."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How those stand who have a role: how many were seen lately, how many of them work, and what is wrong with the others."""

    role: Role
    seen: int
    working: int
    faults: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether the role is filled."""
        return self.working > 0


def standings(processes: Sequence[Process], handler_seconds: float) -> list[Standing]:
    """How each role stands, given those seen lately and the longest time that a handler may take (seconds)."""
    return [_standing(role, [each for each in processes if role in roles(each)], handler_seconds) for role in ROLES]


def roles(process: Process) -> frozenset[Role]:
    """What a process is there for. A worker that does not say from which queues it takes, takes from all."""
    if process.kind == "beat":
        return frozenset({"beat"})
    if not process.queues:
        return frozenset({"pullers", "handlers"})
    pulls: Iterable[Role] = ["pullers"] if CONSUME_QUEUE in process.queues else []
    handles: Iterable[Role] = [] if WITHOUT_HANDLERS.issuperset(process.queues) else ["handlers"]
    return frozenset({*pulls, *handles})


def _standing(role: Role, some: Sequence[Process], handler_seconds: float) -> Standing:
    if not some:
        return Standing(role, 0, 0, ("none was seen lately",))
    found = [fault(each, role, handler_seconds) for each in some]
    told = tuple(f"{each.name}: {said}" for each, said in zip(some, found, strict=True) if said)
    return Standing(role, len(some), found.count(""), told)


def fault(process: Process, role: Role, handler_seconds: float) -> str:
    """Why a process does not work in a role, "" when it does."""
    if process.loop > LOOP_SECONDS:
        return f"its main loop has not turned for {process.loop:.0f} s"
    if not process.connected:
        return "it has no connection to its broker or Redis, or no accounts that it can use"
    if role == "pullers" and process.polls > POLLS_SECONDS:
        return f"none of its polls and confirms has ended for {process.polls:.0f} s"
    if role == "handlers" and process.messages > handler_seconds + MESSAGES_SLACK_SECONDS:
        return f"none of its messages has ended for {process.messages:.0f} s"
    return ""
