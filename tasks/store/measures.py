"""Counters and histograms of `/metrics`, in one hash whose fields `tasks/rules/measures.py` names.

They count where something becomes true for good, so that no killed process takes any of them along.

A batch's messages and its confirm are counted in the step that closes it, by what its headers have returned
(`tasks/store/parts.py`), and a message that is buried, superseded or tried apart from its batch in the step that writes its mark.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from tasks.rules.measures import CALLS, SLOTS, Answered, Measured, measured
from tasks.store.chunks import pipelined
from tasks.store.deferred import Deferred
from tasks.store.keys import PREFIX, key
from tasks.store.measures_gateways import GATEWAYS
from tasks.store.scripts import script

MEASURES = PREFIX + "measures"
NUMBER = "i64"
"""How each number of a gateway's calls is kept, one after the other in a string: all that a call adds is one command."""


class Measures:
    """All of them."""

    def __init__(self, deferred: Deferred) -> None:
        self.deferred = deferred
        self.redis = deferred.redis
        self._add = script(self.redis, "measures_add")
        self._once = script(self.redis, "measures_once")

    def add(self, numbers: Mapping[str, int]) -> None:
        """Add to counters, together with all that is told besides; without numbers, nothing."""
        if words := pairs(numbers):
            self.deferred.tell("EVALSHA", self._add.sha, 1, MEASURES, *words)

    def once(self, numbers: Mapping[str, int], seconds: float, *what: str) -> None:
        """Add to counters, unless it was done for the same thing within so many seconds."""
        if words := pairs(numbers):
            self._once(keys=[MEASURES, key("counted", *what)], args=[max(1, round(seconds)), *words])

    def read(self) -> Measured:
        """All counters, of all processes that there ever were; calls of the gateways that beats know."""
        return measured(self.redis.hgetall(MEASURES), self._answered())

    def last_pulls(self) -> dict[str, float]:
        """When each gateway that beats know last answered a pull, in seconds since the epoch."""
        found = {gateway: numbers[SLOTS - 1] for gateway, numbers in self._answered().items()}
        return {gateway: at / 1000 for gateway, at in found.items() if at}

    def last_pull(self, gateway: str) -> float:
        """When a gateway last answered a pull, in seconds since the epoch; 0 when it never did."""
        (at,) = self.redis.execute_command("BITFIELD", calls_key(gateway), "GET", NUMBER, f"#{SLOTS - 1}")
        return float(at) / 1000

    def _answered(self) -> dict[str, list[int]]:
        gateways = sorted(self.redis.hkeys(GATEWAYS))
        each = [word for place in range(SLOTS * len(CALLS)) for word in ("GET", NUMBER, f"#{place}")]
        return dict(
            zip(
                gateways,
                pipelined(self.redis, (("BITFIELD", calls_key(name), *each) for name in gateways)),
                strict=True,
            )
        )


def calls_key(gateway: str) -> str:
    """Where the numbers of a gateway's calls are."""
    return key("measures", "calls", gateway)


def answered_words(calls: Answered) -> list[Any]:
    """What calls add to them, as words of `BITFIELD`."""
    adds = (("INCRBY", NUMBER, f"#{place}", number) for place, number in calls.adds.items())
    latest = (("SET", NUMBER, f"#{place}", at) for place, at in calls.latest.items())
    return [*chain.from_iterable(chain(adds, latest))]


def pairs(numbers: Mapping[str, int]) -> list[Any]:
    """Fields and numbers as a script takes them, one after the other; what adds nothing is left out."""
    return list(chain.from_iterable((field, number) for field, number in numbers.items() if number))
