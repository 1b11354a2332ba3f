"""Whose turn it is among the messages of one key: two of them never run at the same time (`@handles(…, key=…)`).

    tidings:key:KEY         the mark of the message that runs, for as long as its try may take and some seconds; with a + behind
                            it while a try goes on that nobody could interrupt
    tidings:key:line:KEY    who was turned away: until when it waits, and the mark; by the time of the first look. Where the
                            newest alone is handled (`latest`), also of every message that was handed out, by its publishing
    tidings:key:newest:KEY  when the newest of those was published that were handled, where the newest alone is

KEY is a digest: what is in a message has no business in Redis's keys. Where the newest alone is handled, the line and the time of
the newest are each handler's own: one does not do another's work. A message that comes again after its process was killed takes
the key that it left behind; others get it when it expires. Where the newest alone is handled, an older one waits for every newer
one that is in line, and is `superseded` once a newer one was handled: not before.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from tasks.clock import DAY
from tasks.store.deferred import Deferred
from tasks.store.keys import PREFIX, key
from tasks.store.measures import MEASURES
from tasks.store.scripts import script

TURN = PREFIX + "turn"
"""The channel on which it is told whose turn it is."""

QUIET_SECONDS = 5.0
"""After so long without a word on it Redis is asked for a sign of life, and after twice as long listened to anew: a NAT may have
forgotten the connection."""

NEWEST_SECONDS = DAY
"""Platforms send a message again for so long; an older one that comes later than that is handled."""

SPARE_SECONDS = 2.0
"""A key is held so much longer than its message's mark says that it runs: ending a process takes its time, and a handler in a
thread cannot be ended."""

LOOK_SECONDS, KEEP_SECONDS = 0.5, 5.0
"""What runs on past its limits is looked at so often, and keeps its key so long beyond each look."""

USUAL_SECONDS, WEIGHT = 0.05, 1 / 8
"""What a handler takes of which nothing is known, and how much the latest message counts."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a message waits its turn by: the digest of its key. `published` is its time, in seconds since the epoch, where the
    newest of the key alone is to be handled; `until` when nobody tries it any more; `what` the handler's name.
    """

    key: str
    until: float
    what: str = ""
    published: float | None = None

    @property
    def names(self) -> tuple[str, str, str, str]:
        """The keys in Redis: who runs, who was turned away, and where the newest alone counts, all that wait, and the newest.

        A digest needs none of the care that names from outside do.
        """
        own = self.key if self.published is None else digest(self.key, self.what)
        line = f"{PREFIX}key:line:"
        return f"{PREFIX}key:{self.key}", f"{line}{self.key}", f"{line}{own}", f"{PREFIX}key:newest:{own}"

    @property
    def words(self) -> tuple[str, str]:
        """When it was published, "" where that is of no account, and until when it is tried, as scripts take them."""
        return "" if self.published is None else f"{self.published:.0f}", f"{self.until:.3f}"


def digest(*parts: str) -> str:
    """A key's name in Redis, of all that tells it from others."""
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(slots=True)
class Running:
    """A message of this process that has its turn: the number of its try, since when, and until when its key is held, by the
    steady clock."""

    turn: Turn
    tries: int
    since: float
    until: float


class Turns:
    """The turns of messages that have a key, by their marks' keys in Redis."""

    def __init__(self, deferred: Deferred, remember_seconds: int, done_seconds: int) -> None:
        """Marks live for `remember_seconds`, for `done_seconds` once they are done with."""
        self.deferred = deferred
        self.redis = deferred.redis
        self.remember, self.done = remember_seconds, done_seconds
        self.running: dict[str, Running] = {}
        self._usual: dict[str, float] = {}
        self._begin = script(self.redis, "turns_begin")
        self._keep = script(self.redis, "turns_keep")
        self._hold = script(self.redis, "turns_hold")
        self._done = script(self.redis, "turns_done")
        self._end = script(self.redis, "turns_end")
        self._keeper: threading.Thread | None = None
        self._pause = threading.Event().wait  # a sleep that no handler's tests replace

    def enter(self, many: Iterable[tuple[Sequence[str], Turn]], now: float) -> None:
        """Have messages (names, turn) stand in line before any of them is handed out, in one round trip."""
        pipe = self.redis.pipeline(transaction=False)
        for names, turn in many:
            published, until = turn.words
            pipe.zadd(turn.names[2], {f"{until} {key('mark', *names)}": published})
            pipe.expire(turn.names[2], max(1, round(turn.until - now)))
        pipe.execute()

    def holding(self, wanted: Sequence[tuple[str, str, Turn, float]]) -> tuple[Any, ...]:
        """The command that holds marks and keys for this process (mark, what to write, turn, seconds of the key).

        Redis answers with 1 for each message of which it got both, and 0 for one of which it got neither.
        """
        names = [name for mark, _, turn, _ in wanted for name in (mark, turn.names[0])]
        words = [word for _, mark, _, seconds in wanted for word in (mark, _milliseconds(seconds + SPARE_SECONDS))]
        return ("EVALSHA", self._hold.sha, len(names), *names, *words, self.remember)

    def begin(
        self, mark: str, turn: Turn, batch: str, seconds: float, mine: str = "", superseded: str = ""
    ) -> list[Any]:
        """Claim mark and key for one try of at most `seconds`: state, wait, deliveries, tries, open, and place in line.

        The state is begun, busy, done, dead, superseded; `queued` behind who has run for `wait` seconds, or `behind` a newer one
        that waits itself. `mine` says what this process has of the mark: it holds it (`held`), or has begun the try of this
        number. One that is superseded counts in the counter of that name.
        """
        words = (batch, f"{seconds:.6f}", self.remember, self.done, seconds + SPARE_SECONDS, *turn.words, mine)
        told = (superseded, 1) if superseded else ()
        sent = ("EVALSHA", self._begin.sha, 6, mark, *turn.names, MEASURES, *words, *told)
        state, wait, *counts = self.deferred.ask(sent)[0]
        if state == "begun":
            self.runs(mark, turn, seconds, int(counts[1]))
        return [state, float(wait), *map(int, counts)]

    def runs(self, mark: str, turn: Turn, seconds: float, tries: int) -> None:
        """A message has its turn, for a try of at most so many seconds, which has this number."""
        now = time.monotonic()
        self.running[mark] = Running(turn, tries, now, now + seconds + SPARE_SECONDS)
        if self._keeper is None or not self._keeper.is_alive():
            self._keeper = threading.Thread(target=self._look, name="tidings-keys", daemon=True)
            self._keeper.start()

    def ends(self, mark: str, over: str, *, left: bool = False, counts: Sequence[Any] = ()) -> bool:
        """Write the mark of a message that had its turn (`over`; "": it is tried again) and free its key, both at once.

        False for one that had none. `left` is for one that nobody tries again in this delivery, `counts` are the counters, and
        numbers, of one that was not done with before.
        """
        if (ran := self.running.pop(mark, None)) is None:
            return False
        turn = ran.turn
        if over == "done":
            took, usual = time.monotonic() - ran.since, self.usual(turn.what)
            self._usual[turn.what] = usual + WEIGHT * (took - usual)
        if over and turn.published is None:
            told = (over, self.done, turn.words[1], ran.tries, *counts)
            self.deferred.tell("EVALSHA", self._done.sha, 4, mark, *turn.names[:2], MEASURES, *told)
            return True
        keep = self.done if over else self.remember
        words = (over, keep, *turn.words, NEWEST_SECONDS, int(left), ran.tries, *counts)
        self.deferred.tell("EVALSHA", self._end.sha, 6, mark, *turn.names, MEASURES, *words)
        return True

    def lapse(self, mark: str) -> None:
        """Let the key of a message whose end could not be written expire by itself."""
        self.running.pop(mark, None)

    def told(self) -> Iterator[str]:
        """The marks of messages whose turn it is, as they are told; "" now and then. Raises `RedisError` when Redis is lost."""
        with self.redis.pubsub() as listening:
            listening.subscribe(TURN)
            asked = False
            while True:
                heard = listening.get_message(timeout=QUIET_SECONDS)
                if heard is None and asked:
                    raise RedisConnectionError("Redis says nothing")
                if asked := heard is None:
                    listening.ping()
                yield heard["data"] if heard and heard["type"] == "message" else ""

    def usual(self, what: str) -> float:
        """How long this handler takes, in seconds."""
        return self._usual.get(what, USUAL_SECONDS)

    def _look(self) -> None:
        """Keep the keys of what runs past its time, which nobody could end, until there is nothing to look at for a while."""
        quiet = 0
        while quiet < KEEP_SECONDS / LOOK_SECONDS:
            self._pause(LOOK_SECONDS)
            quiet = 0 if self.running else quiet + 1
            self.keep(time.monotonic)

    def keep(self, clock: Callable[[], float]) -> None:
        """Keep the keys of what is about to lose them."""
        for mark, ran in list(self.running.items()):
            if ran.until - clock() > LOOK_SECONDS + SPARE_SECONDS / 2:
                continue
            try:
                self._keep(keys=[mark, ran.turn.names[0]], args=[_milliseconds(KEEP_SECONDS)])
            except (RedisError, OSError):
                continue  # it is looked at again before the key expires
            ran.until = clock() + KEEP_SECONDS


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
