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
from typing import Literal

from tasks.store.connection import Client
from tasks.store.keys import key

Over = Literal["done", "dead"]

REMEMBER_SECONDS = 2 * 24 * 3600
"""Counts of a message that was never handled live twice as long as any platform keeps it (TMC: 24 hours)."""

BEGIN = """
local was = redis.call('GET', KEYS[1])
if was == 'done' or was == 'dead' then return {was, '0', 0, 0, 0} end
local runs, deliveries, tries, open, batch = 0, 0, 0, 0, ''
if was then
  runs, deliveries, tries, open, batch = string.match(was, '^(%S+) (%d+) (%d+) (%d+) (.*)$')
end
local left = tonumber(runs)
if left > 0 then left = left - (ARGV[3] - redis.call('PTTL', KEYS[1]) / 1000) end
if left > 0 then return {'busy', tostring(left), 0, 0, 0} end
if batch ~= ARGV[1] then deliveries = deliveries + 1 end
tries, open = tries + 1, open + 1
redis.call('SET', KEYS[1], string.format('%s %d %d %d %s', ARGV[2], deliveries, tries, open, ARGV[1]), 'EX', ARGV[3])
return {'begun', '0', deliveries, tries, open}
"""

RELEASE = """
local was = redis.call('GET', KEYS[1])
if not was or was == 'done' or was == 'dead' then return end
local deliveries, tries, batch = string.match(was, '^%S+ (%d+) (%d+) %d+ (.*)$')
redis.call('SET', KEYS[1], string.format('0 %d %d 0 %s', deliveries, tries, batch), 'EX', ARGV[1])
"""

REVIVE = "if redis.call('GET', KEYS[1]) == 'dead' then redis.call('DEL', KEYS[1]) end"


@dataclass(frozen=True, slots=True)
class Begun:
    """Whether this delivery may run: `state` is begun, busy (for `wait` more seconds), done or dead."""

    state: Literal["begun", "busy", "done", "dead"]
    wait: float
    deliveries: int
    tries: int
    open: int


class Marks:
    """The marks of messages, by the names that tell one message from all others."""

    def __init__(self, redis: Client, remember_seconds: float) -> None:
        self.redis = redis
        self.remember = max(1, round(remember_seconds))
        self._begin = redis.register_script(BEGIN)
        self._release = redis.register_script(RELEASE)
        self._revive = redis.register_script(REVIVE)

    def begin(self, names: Sequence[str], batch: str, seconds: float) -> Begun:
        """Claim the message for one try of at most `seconds`."""
        if self.redis.set(key("mark", *names), f"{seconds:.6f} 1 1 1 {batch}", nx=True, ex=REMEMBER_SECONDS):
            return Begun("begun", 0.0, 1, 1, 1)
        reply = self._begin(keys=[key("mark", *names)], args=[batch, f"{seconds:.6f}", REMEMBER_SECONDS])
        return Begun(reply[0], float(reply[1]), *map(int, reply[2:]))

    def finish(self, names: Sequence[str], over: Over = "done") -> None:
        """The message is done with; nobody starts it again for as long as the mark lives."""
        self.redis.set(key("mark", *names), over, ex=self.remember)

    def release(self, names: Sequence[str]) -> None:
        """This try is over without success; the counts stay."""
        self._release(keys=[key("mark", *names)], args=[REMEMBER_SECONDS])

    def revive(self, names: Sequence[str]) -> None:
        """Take a buried message as new, as a replay does; one that was handled, or that somebody runs, stays as it is."""
        self._revive(keys=[key("mark", *names)])

    def is_done(self, names: Sequence[str]) -> bool:
        """Whether the message was handled."""
        return bool(self.redis.get(key("mark", *names)) == "done")

    def over(self, many: Sequence[Sequence[str]]) -> list[bool]:
        """Which of these messages are done with, in one round trip."""
        if not many:
            return []
        return [found in ("done", "dead") for found in self.redis.mget([key("mark", *names) for names in many])]
