"""Who is not called until when, and why: an account that needs a person, or a gateway that is banned or spent."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import get_args

from tasks.clock import DAY
from tasks.rules.circuit_breaker import Kind, Pause
from tasks.rules.measures import Reason, reason
from tasks.store.chunks import read_many
from tasks.store.connection import Client
from tasks.store.keys import key
from tasks.store.scripts import script
from tasks.store.wire import stored

REASONS: tuple[Reason, ...] = get_args(Reason)

REMEMBER_SECONDS = DAY
"""A pause that is over is remembered this much longer, so that the wait after the next failed probe is a longer one."""


class Pauses:
    """The pauses of accounts and gateways."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis
        self._put = script(redis, "pauses_put")

    def put(self, kind: Kind, name: str, pause: Pause, *, now: float) -> bool:
        """Pause somebody, or pause longer. A person's pause gives way to another person's only; False when it stays."""
        lives = max(1, round(pause.until - now)) + REMEMBER_SECONDS
        args = [json.dumps(asdict(pause)), lives, int(pause.by_hand), now, name, pause.until]
        reasons = sorted(REASONS, key=reason(pause).__ne__)  # its own first
        keys = [key("pause", kind, name), *(key("paused", kind, each) for each in reasons)]
        return bool(self._put(keys=keys, args=args))

    def get(self, account: str, gateway: str) -> tuple[Pause | None, Pause | None]:
        """The last pause of the account and of its gateway, over or not."""
        found = self.redis.mget(key("pause", "account", account), key("pause", "gateway", gateway))
        return stored(Pause, found[0]), stored(Pause, found[1])

    def many(self, kind: Kind, names: Iterable[str]) -> dict[str, Pause]:
        """The last pauses of all who had one, over or not, by name."""

        def read(some: list[str]) -> list[Pause | None]:
            found = self.redis.mget([key("pause", kind, name) for name in some])
            return [stored(Pause, text) for text in found]

        return read_many(names, read)

    def end(self, kind: Kind, name: str) -> bool:
        """Forget a pause; whether there was one."""
        pipe = self.redis.pipeline().delete(key("pause", kind, name))
        for each in REASONS:
            pipe.zrem(key("paused", kind, each), name)
        return bool(pipe.execute()[0])

    def paused(self, kind: Kind, why: Reason, now: float, most: int = 0) -> tuple[int, list[str]]:
        """How many are paused for a reason of this kind at `now`, and the names of up to `most`, the longest paused first."""
        where = key("paused", kind, why)
        pipe = self.redis.pipeline(transaction=False).zcount(where, f"({now}", "+inf")
        pipe.zrange(where, "+inf", f"({now}", desc=True, byscore=True, offset=0, num=most)
        number, names = pipe.execute()
        return int(number), list(names)
