"""How fast handlers take messages, all workers together: seen from how the queue of handle tasks shrinks and grows.

Whoever is about to pull tells how many tasks wait. Together with the number of those handed out, that tells how many were
taken since somebody looked before; it counts as the handlers' rate when tasks waited the whole time, as else they were idle.

tidings:flow   hash: handed (messages handed out so far), rate; at, base, waiting (the last look that counted)
"""

from tasks.store.connection import NOW, Client
from tasks.store.keys import PREFIX

FLOW = PREFIX + "flow"
HANDED = "handed"
KEEP_SECONDS = 3600
SAMPLE_SECONDS = 0.5
"""Looks closer together than this are one: what is just being handed out would blur them."""

SPAN_SECONDS = 5.0
"""The rate is that of the last seconds, older ones counting ever less."""

LOOK = (
    NOW
    + """
local waiting = tonumber(ARGV[1])
local was = redis.call('HMGET', KEYS[1], 'at', 'base', 'waiting', 'rate', 'handed')
local at, base, before, handed = tonumber(was[1]), tonumber(was[2]), tonumber(was[3]), tonumber(was[5] or 0)
local rate = was[4]
local passed = at and now - at or 0
if at and passed >= 0 and passed < tonumber(ARGV[2]) and (waiting > 0) == (before > 0) then return rate end
if waiting > 0 and (before or 0) > 0 and passed > 0 then
  local seen = math.max(0, (handed - waiting - base) / passed)
  local old = tonumber(rate)
  rate = tostring(old and old + (seen - old) * (1 - math.exp(-passed / ARGV[3])) or seen)
  redis.call('HSET', KEYS[1], 'rate', rate)
end
redis.call('HSET', KEYS[1], 'at', string.format('%.6f', now), 'base', handed - waiting, 'waiting', waiting)
redis.call('EXPIRE', KEYS[1], ARGV[4])
return rate
"""
)


class HandlingRate:
    """The rate at which handle tasks are taken."""

    def __init__(self, redis: Client) -> None:
        self._look = redis.register_script(LOOK)

    def look(self, waiting: int) -> float | None:
        """Tell that so many handle tasks wait now; how many were taken a second of late, None while nobody knows."""
        rate = self._look(keys=[FLOW], args=[waiting, SAMPLE_SECONDS, SPAN_SECONDS, KEEP_SECONDS])
        return None if rate is None else float(rate)
