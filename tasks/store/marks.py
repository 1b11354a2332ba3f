"""What is known of one message: that it is done with, or who runs it and how often it was tried.

One string a message. `done` or `dead` once it is over (guarantee 4); until then `runs deliveries tries open batch`:

    runs        a delivery runs, and nobody else may start one for so many seconds after this was written (0: nobody runs it)
    deliveries  how many batches brought it
    tries       how often a handler was started
    open        how many of the last tries began and never ended: a handler that kills its process
    batch       the batch that brought it last, and when

When it was written is told by the time that it has left to live, which all workers read off one clock: Redis's. So the usual
claim, of a message that nobody knows, is one plain command.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Literal

from tasks.clock import DAY
from tasks.store.deferred import Deferred
from tasks.store.keys import key
from tasks.store.scripts import script

Over = Literal["done", "dead"]

HOLD_SECONDS = 1.0
"""How long messages are held before they are begun: by a process that begins them within a fraction of it, unless it dies."""

REMEMBER_SECONDS = 2 * DAY
"""Counts of a message that was never handled live twice as long as any platform keeps it (TMC: 24 hours)."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Whether this delivery may run: `state` is begun, busy (for `wait` more seconds), done or dead."""

    state: Literal["begun", "busy", "done", "dead"]
    wait: float
    deliveries: int
    tries: int
    open: int


FIRST = Begun("begun", 0.0, 1, 1, 1)


class Marks:
    """The marks of messages, by the names that tell one message from all others."""

    def __init__(self, deferred: Deferred, remember_seconds: float) -> None:
        self.deferred = deferred
        self.redis = deferred.redis
        self.remember = max(1, round(remember_seconds))
        self._held: dict[str, tuple[str, float]] = {}
        self._begin = script(self.redis, "marks_begin")
        self._release = script(self.redis, "marks_release")
        self._revive = script(self.redis, "marks_revive")

    def hold(self, many: Sequence[tuple[Sequence[str], str]]) -> None:
        """Keep messages (names, batch) for this process, which is about to begin them one by one, in one round trip.

        Those that are not new are left out: `begin` sees to them. Nobody else begins a message that is held here.
        """
        wheres = [key("mark", *names) for names, _ in many]
        batches = [batch for _, batch in many]
        held = self.deferred.ask(
            *(
                ("SET", where, f"{HOLD_SECONDS} 1 0 0 {batch}", "NX", "EX", REMEMBER_SECONDS)
                for where, batch in zip(wheres, batches, strict=True)
            )
        )
        fresh = monotonic() + HOLD_SECONDS / 2
        self._held = {where: (batch, fresh) for where, batch, got in zip(wheres, batches, held, strict=True) if got}

    def let_go(self) -> None:
        """Leave what was held and not begun to whoever begins it; after a while it may be somebody else's already."""
        now = monotonic()
        if ours := [where for where, (_, until) in self._held.items() if now < until]:
            self.deferred.tell("DEL", *ours)
        self._held.clear()

    def begin(self, names: Sequence[str], batch: str, seconds: float) -> Begun:
        """Claim the message for one try of at most `seconds`."""
        where, first = key("mark", *names), f"{seconds:.6f} 1 1 1 {batch}"
        held, until = self._held.pop(where, ("", 0.0)) if self._held else ("", 0.0)
        if held == batch and monotonic() < until:
            self.deferred.put("SET", where, first, "EX", REMEMBER_SECONDS)
            return FIRST
        if self.deferred.ask(("SET", where, first, "NX", "EX", REMEMBER_SECONDS))[0]:
            return FIRST
        reply = self._begin(keys=[where], args=[batch, f"{seconds:.6f}", REMEMBER_SECONDS])
        return Begun(reply[0], float(reply[1]), *map(int, reply[2:]))

    def finish(self, names: Sequence[str], over: Over = "done") -> None:
        """The message is done with; nobody starts it again for as long as the mark lives."""
        self.deferred.tell("SET", key("mark", *names), over, "EX", self.remember)

    def settle(self) -> None:
        """Have every mark written before anything that rests on it is sent."""
        self.deferred.settle()

    def release(self, names: Sequence[str]) -> None:
        """This try is over without success; the counts stay."""
        self.deferred.settle()
        self._release(keys=[key("mark", *names)], args=[REMEMBER_SECONDS])

    def revive(self, names: Sequence[str]) -> None:
        """Take a buried message as new, as a replay does; one that was handled, or that somebody runs, stays as it is."""
        self._revive(keys=[key("mark", *names)])

    def is_done(self, names: Sequence[str]) -> bool:
        """Whether the message was handled."""
        self.deferred.settle()
        return bool(self.redis.get(key("mark", *names)) == "done")

    def over(self, many: Sequence[Sequence[str]]) -> list[bool]:
        """Which of these messages are done with, in one round trip."""
        if not many:
            return []
        return [found in ("done", "dead") for found in self.redis.mget([key("mark", *names) for names in many])]
