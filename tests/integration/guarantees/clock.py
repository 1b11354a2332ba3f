"""One time for a test's process, for the scripts in Valkey and for what expires there, that only the test moves."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import time_machine
from redis import Redis

START = datetime(2026, 11, 21, 12, tzinfo=timezone(timedelta(hours=8)))
TIME = "test:time"
"""Where scripts find the time; not below `tidings:`."""

AGE = """
local keys = redis.call('KEYS', '*')
for _, key in ipairs(keys) do
  local left = redis.call('PTTL', key)
  if left >= 0 then
    if left <= tonumber(ARGV[1]) then redis.call('DEL', key) else redis.call('PEXPIRE', key, left - ARGV[1]) end
  end
end
"""


def take_over_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every script that is registered from now on read the test's time where it reads the server's."""
    register = Redis.register_script

    def registered(self: Any, script: Any) -> Any:
        text = str(script).replace("redis.call('TIME')", f"redis.call('HMGET', '{TIME}', 'seconds', 'micros')")
        self.script_load(text)
        return register(self, text)

    monkeypatch.setattr(Redis, "register_script", registered)


class Clock:
    """Moves the time of everything together."""

    def __init__(self, redis: Any, traveller: time_machine.Traveller) -> None:
        self._redis, self._traveller = redis, traveller
        self._age = redis.register_script(AGE)

    def start(self) -> None:
        """Noon, whatever was before."""
        self._traveller.move_to(START)
        self.tell()

    def now(self) -> float:
        """Seconds since the epoch."""
        return datetime.now(START.tzinfo).timestamp()

    def tell(self) -> None:
        """Write down the time for scripts, also after a flush."""
        now = self.now()
        self._redis.hset(TIME, mapping={"seconds": int(now), "micros": round(now % 1 * 1_000_000)})

    def forward(self, seconds: float) -> None:
        """Let time pass; keys expire."""
        if seconds > 0:
            self._traveller.shift(float(seconds))
            self._age(args=[round(seconds * 1000)])
            self.tell()
