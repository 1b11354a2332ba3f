"""What is known of one message: that it is done with, or who runs it and how often it was tried.

One string a message. `done` or `dead` once it is over (guarantee 4); until then `runs deliveries tries open batch`:

    runs        a delivery runs, and nobody else may start one for so many seconds after this was written (0: nobody runs it)
    deliveries  how many batches brought it
    tries       how often a handler was started
    open        how many of the last tries began and never ended: a handler that kills its process, or is killed with it
    batch       the batch that brought it last, and when

When it was written is told by the time that it has left to live, which all workers read off one clock: Redis's. So the usual
claim, of a message that nobody knows, is one plain command.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal

from tasks.clock import DAY
from tasks.rules.measures import Numbers
from tasks.store.deferred import Deferred
from tasks.store.keys import key
from tasks.store.measures import MEASURES, Measures, pairs
from tasks.store.scripts import script
from tasks.store.turns import Turn, Turns

Over = Literal["done", "dead"]

HOLD_SECONDS = 1.0
"""How long messages are held before they are begun: by a process that begins them within a fraction of it, unless it dies."""

REMEMBER_SECONDS = 2 * DAY
"""Counts of a message that was never handled live twice as long as any platform keeps it (TMC: 24 hours)."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Whether this delivery may run: `state` is begun, busy (for `wait` more seconds), done or dead.

    Of a message with a key it may also be `queued` with so many others before it (`place`), whose first has run for `wait`
    seconds; `behind` a newer one of its key that waits itself; or `superseded`, when its handler needs it no more.
    """

    state: Literal["begun", "busy", "done", "dead", "queued", "behind", "superseded"]
    wait: float
    deliveries: int
    tries: int
    open: int
    place: int = 0


@dataclass(frozen=True, slots=True)
class Hold:
    """A message that is about to be begun: its names, the batch that brings it, and where it has a key, its turn and for how many
    seconds a try may run."""

    names: Sequence[str]
    batch: str
    turn: Turn | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Held:
    """A message that this process holds for a batch, until then by the steady clock, counted from when it was asked for: its
    holder's answer may have been on its way for long. With its key, where it has a turn."""

    batch: str
    until: float
    turn: Turn | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this process has begun for a batch and whose thread is about to run: its claim is as long as it should be
    until `fresh`, and nobody's any more after `over`, by the steady clock."""

    batch: str
    fresh: float
    over: float


FIRST = Begun("begun", 0.0, 1, 1, 1)


class Marks:
    """The marks of messages, by the names that tell one message from all others."""

    def __init__(self, deferred: Deferred, remember_seconds: float) -> None:
        self.deferred = deferred
        self.redis = deferred.redis
        self.remember = max(1, round(remember_seconds))
        self.measures = Measures(deferred)
        self.turns = Turns(deferred, REMEMBER_SECONDS, self.remember)
        self._held: dict[str, Held] = {}
        self._claimed: dict[str, Claimed] = {}
        self._begin = script(self.redis, "marks_begin")
        self._let_go = script(self.redis, "marks_let_go")
        self._finish = script(self.redis, "marks_finish")
        self._release = script(self.redis, "marks_release")
        self._orphan = script(self.redis, "marks_orphan")
        self._revive = script(self.redis, "marks_revive")

    def hold(self, many: Sequence[Hold]) -> None:
        """Keep messages, and their keys, for this process, which is about to begin them one by one, in one round trip.

        Those that are not new are left out, and those whose key another has: `begin` sees to them. Nobody else begins a message
        that is held here.
        """
        fresh, wheres = monotonic() + HOLD_SECONDS / 2, [key("mark", *each.names) for each in many]
        marks = [(each, where) for each, where in zip(many, wheres, strict=True) if each.turn is None]
        keyed = [(each, where) for each, where in zip(many, wheres, strict=True) if each.turn is not None]
        asked = [("SET", where, held_value(each.batch), "NX", "EX", REMEMBER_SECONDS) for each, where in marks]
        answers = self._ask_to_hold(asked, keyed)
        got = zip((*marks, *keyed), answers, strict=True)
        self._held = {where: Held(each.batch, fresh, each.turn) for (each, where), mine in got if mine}

    def _ask_to_hold(self, asked: list[tuple[Any, ...]], keyed: Sequence[tuple["Hold", str]]) -> list[Any]:
        """What Redis answers to each plain command, and then for each message that has a key."""
        if not keyed:
            return self.deferred.ask(*asked)
        wanted = [
            (where, held_value(each.batch), each.turn, each.seconds + HOLD_SECONDS)
            for each, where in keyed
            if each.turn
        ]
        *plain, together = self.deferred.ask(*asked, self.turns.holding(wanted))
        return [*plain, *together]

    def let_go(self) -> None:
        """Leave what was held and not begun to whoever begins it; what somebody else has begun meanwhile stays that one's."""
        if self._held:
            each = self._held.items()
            keys = [name for where, held in each for name in (where, held.turn.names[0] if held.turn else where)]
            values = [held_value(held.batch) for _, held in each]
            self.deferred.tell("EVALSHA", self._let_go.sha, len(keys), *keys, *values)
        self._held.clear()

    def claim(self, many: Sequence[Hold]) -> None:
        """Begin messages that have no key, which threads of this process run at once side by side, in one round trip.

        Those that are not new are left to `begin`, which every one of them takes. What none of them takes is left with `leave`.
        """
        began, wheres = monotonic(), [key("mark", *each.names) for each in many]
        answers = self.deferred.ask(
            *(
                ("SET", where, first(each.seconds + HOLD_SECONDS, each.batch), "NX", "EX", REMEMBER_SECONDS)
                for each, where in zip(many, wheres, strict=True)
            )
        )
        fresh = began + HOLD_SECONDS
        got = zip(many, wheres, answers, strict=True)
        self._claimed |= {where: Claimed(each.batch, fresh, fresh + each.seconds) for each, where, mine in got if mine}

    def leave(self, names: Sequence[str]) -> None:
        """Leave a message that was claimed to others, if it was not begun."""
        where = key("mark", *names)
        if (claimed := self._claimed.pop(where, None)) and monotonic() < claimed.over:
            self.deferred.tell("DEL", where)

    def _was_claimed(self, where: str, batch: str, seconds: float) -> bool:
        """Whether the message was begun with others; if that is a while ago its claim is written anew."""
        claimed, now = self._claimed.pop(where, None), monotonic()
        if claimed is None or claimed.batch != batch or now >= claimed.over:
            return False
        if now >= claimed.fresh:
            self.deferred.ask(("SET", where, first(seconds, batch), "EX", REMEMBER_SECONDS))
        return True

    def begin(
        self, names: Sequence[str], batch: str, seconds: float, turn: Turn | None = None, superseded: str = ""
    ) -> Begun:
        """Claim the message, and its key where it has one, for one try of at most `seconds`. `superseded` is the counter of those
        that their handler needs no more."""
        where, mark = key("mark", *names), first(seconds, batch)
        if self._claimed and self._was_claimed(where, batch, seconds):
            return FIRST
        held = self._held.pop(where, None) if self._held else None
        ours = held is not None and held.batch == batch and monotonic() < held.until
        if ours and held and held.turn == turn:
            self.deferred.put("SET", where, mark, "EX", REMEMBER_SECONDS)
            if turn:
                self.turns.runs(where, turn, seconds, FIRST.tries)
            return FIRST
        if turn:
            return Begun(*self.turns.begin(where, turn, batch, seconds, "held" if ours else "", superseded))
        if self.deferred.ask(("SET", where, mark, "NX", "EX", REMEMBER_SECONDS))[0]:
            return FIRST
        reply = self._begin(keys=[where], args=[batch, f"{seconds:.6f}", REMEMBER_SECONDS])
        return Begun(reply[0], float(reply[1]), *map(int, reply[2:]))

    def take_turn(
        self, names: Sequence[str], batch: str, tries: int, seconds: float, turn: Turn, superseded: str = ""
    ) -> Begun:
        """Claim the key of a message whose try of this number has begun, as its handler's own code had to say which it is.

        When it is not its turn, it counts as not begun.
        """
        return Begun(*self.turns.begin(key("mark", *names), turn, batch, seconds, str(tries), superseded))

    def finish(self, names: Sequence[str], over: Over = "done", numbers: Numbers | None = None) -> None:
        """The message is done with; nobody starts it again for as long as the mark lives. Its key is free.

        In the same step `numbers` are added to the counters, unless it was done with before.
        """
        mark, counts = key("mark", *names), pairs(numbers) if numbers else ()
        if self.turns.running and self.turns.ends(mark, over, counts=counts):
            return
        if counts:
            self.deferred.tell("EVALSHA", self._finish.sha, 2, mark, MEASURES, over, self.remember, *counts)
        else:
            self.deferred.tell("SET", mark, over, "EX", self.remember)

    def settle(self) -> None:
        """Have every mark written before anything that rests on it is sent."""
        self.deferred.settle()

    def release(self, names: Sequence[str], tries: int, *, left: bool = False) -> None:
        """The try of this number is over without success, and this delivery too if the message is `left`; the counts stay, its
        key is free. Where another has begun the message since, it stays that one's."""
        if self.turns.running and self.turns.ends(key("mark", *names), "", left=left):
            self.deferred.settle()
            return
        self.deferred.settle()
        self._release(keys=[key("mark", *names)], args=[REMEMBER_SECONDS, tries])

    def orphan(self, many: Sequence[tuple[Sequence[str], str]]) -> None:
        """Let others begin at once what a process that is gone had begun for these (names, batch); that it never ended counts.

        A message that has a key waits for that, which expires by itself.
        """
        pipe = self.redis.pipeline(transaction=False)
        for names, batch in many:
            self._orphan(keys=[key("mark", *names)], args=[batch, REMEMBER_SECONDS], client=pipe)
        pipe.execute()

    def lapse(self, names: Sequence[str]) -> None:
        """Of a message that has a key and whose end could not be written, let the claims expire."""
        self.turns.lapse(key("mark", *names))

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


def held_value(batch: str) -> str:
    """What stands in the mark of a message that is held."""
    return f"{HOLD_SECONDS} 1 0 0 {batch}"


def first(seconds: float, batch: str) -> str:
    """What stands in the mark of a message whose first try takes at most so many seconds."""
    return f"{seconds:.6f} 1 1 1 {batch}"
