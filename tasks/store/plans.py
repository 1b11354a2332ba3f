"""How often each gateway's accounts are to be pulled: one small plan a gateway, made by one worker at a time."""

import json

from tasks.clock import DAY, day
from tasks.rules.budget import Planned
from tasks.store.connection import Client
from tasks.store.keys import PREFIX, key

PLANS = PREFIX + "plans"
PLANNING_SECONDS = 30
"""Longer than planning takes for a hundred thousand accounts; a killed worker's turn is over after that."""

KEEP_SECONDS = 2 * DAY


class Plans:
    """The plans, by gateway."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis

    def get(self, gateway: str) -> Planned:
        """The gateway's plan, and what the next one starts from."""
        found = self.redis.hget(PLANS, gateway)
        try:
            return Planned.from_json(json.loads(found)) if found else Planned()
        except ValueError:
            return Planned()

    def put(self, gateway: str, planned: Planned) -> None:
        """Let this be the plan."""
        self.redis.hset(PLANS, gateway, json.dumps(planned.as_json()))

    def keep(self, gateways: set[str]) -> None:
        """Forget all other gateways' plans."""
        if gone := set(self.redis.hkeys(PLANS)) - gateways:
            self.redis.hdel(PLANS, *gone)

    def take_turn(self, gateway: str) -> bool:
        """Whether this worker is to make the next plan; no other one does meanwhile."""
        return bool(self.redis.set(key("planning", gateway), 1, nx=True, ex=PLANNING_SECONDS))

    def end_turn(self, gateway: str) -> None:
        """The next plan is made."""
        self.redis.delete(key("planning", gateway))

    def count(self, gateway: str, pulled: int, now: float) -> None:
        """Add to the messages pulled today."""
        where = key("pulled", day(now), gateway)
        self.redis.pipeline(transaction=False).incrby(where, pulled).expire(where, KEEP_SECONDS).execute()

    def pulled(self, gateway: str, now: float) -> int:
        """The messages pulled today."""
        return int(self.redis.get(key("pulled", day(now), gateway)) or 0)

    def first_today(self, gateway: str, now: float) -> bool:
        """Whether nobody has asked this for the gateway today."""
        return bool(self.redis.set(key("short", day(now), gateway), 1, nx=True, ex=KEEP_SECONDS))
