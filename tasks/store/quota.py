"""What each gateway has used of its limits, over all workers together, and who waits for a turn to call.

One script a call takes everything at once, one tells that it has ended. Times are seconds since the epoch by Redis's own
clock, days the platforms' (GMT+8), numbered from 1970.

A limit a second holds for any span of a second, however long requests are on their way: a call counts from when it may leave
until a second after its reply has come, less what the fastest reply took, as no call is faster. One whose reply does not
come counts for `ARRIVES_SECONDS` more. So a call that was taken and is heard of too late is not made.

Pulls and counts that cannot leave soon wait in a line, first come, first served: when a call ends, the next are called in, so
that they arrive just before their turn. Around midnight a call counts for both days, as clocks are never quite the same.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import Any, Literal

from tasks.clock import DAY, day_number
from tasks.rules.allowance import Api, Limits
from tasks.rules.circuit_breaker import Pause
from tasks.store.chunks import pipelined, read_many
from tasks.store.connection import Client
from tasks.store.keys import PREFIX, key
from tasks.store.scripts import script
from tasks.store.wire import stored

APIS: tuple[Api, ...] = ("pull", "confirm", "count")
USED = (*APIS, "points", "owed", "held", "dearest")
DUE = (PREFIX + "due:consume", PREFIX + "due:count")
"""Where the due times of pulls and counts are."""

KEEP_SECONDS = 8 * DAY
"""How long a day's figures are kept, from its last call on, for people to compare the days of a week."""

ARRIVES_SECONDS = 1.0
"""A request has arrived by then, or never will: what a killed worker took is free again after this."""

LEAVES_SECONDS = 0.7 * ARRIVES_SECONDS
"""A call leaves by then, or is not made: so long, at the most, it may take until a worker hears of it, and finds time for it."""

MIDNIGHT_SECONDS = 5.0
"""How far apart this clock and a platform's may be."""

SET_ASIDE_SECONDS = 5.0
"""What is set aside for calls under way is looked at again after this."""

LEAST_WAIT_SECONDS = 0.5
"""Who is put off comes by itself after this and its place in the line, should nobody call it in."""

COMES_SECONDS = 10.0
"""Who was called in and does not come within this has lost its place: paused, or gone from the accounts."""

LATE_SECONDS = 1.0
"""Somebody who comes later than this is not waited for: the next one is called in."""

SURE, ANEW = 100, 10_000
"""After so many replies the fastest one is known well enough to be reckoned with; after so many it is looked for anew."""

SLACK_SECONDS = 0.02
"""So much of it is not: its ways there and back need not both have been the fastest."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A call that may be made in `wait` seconds, `until` then by the steady clock, and what is set aside for it until it is
    settled."""

    id: str
    wait: float
    at: float
    reserve: int
    days: tuple[int, int]
    until: float = inf


@dataclass(frozen=True, slots=True)
class PutOff:
    """A call that must not be made now; its turn may come in `wait` seconds.

    `spent` tells that the day's calls or points are used up, and `first` that nobody was told so before.
    """

    wait: float
    spent: Literal["", "calls", "points"] = ""
    first: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """A call has come to its end, and cost so many points; None where nobody knows: then it cost what was set aside.

    `owed` gives back what was kept for a confirm: it was made, or is not needed. Nobody else sends those who are called in for
    `claim` seconds.
    """

    gateway: str
    limits: Limits
    taken: Turn
    points: int | None = None
    owed: int = 0
    claim: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The same for the scripts."""
        first, final = self.taken.days
        about = _of(self.limits, "pull") | {
            "id": self.taken.id,
            "at": self.taken.at,
            "first": first,
            "final": final,
            "reserve": self.taken.reserve,
            "owed": self.owed,
            "claim": self.claim,
            "ahead": self.limits.ahead,
            "comes": COMES_SECONDS,
            "sure": SURE,
            "anew": ANEW,
            "slack": SLACK_SECONDS,
        }
        return about if self.points is None else about | {"points": self.points}


@dataclass(frozen=True, slots=True)
class Used:
    """What a gateway has used today: calls made of each API, and points.

    `owed` of the calls left are kept for confirming what was pulled. `held` of the points are set aside for calls under way,
    as much for each as the day's dearest call has cost, `dearest`.
    """

    by_api: Mapping[Api, int]
    points: int = 0
    owed: int = 0
    held: int = 0
    dearest: int = 0

    @property
    def calls(self) -> int:
        """Calls of every kind."""
        return sum(self.by_api.values())


class Quota:
    """The limits of all gateways."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis
        self._take = script(redis, "quota_take")
        self._settle = script(redis, "quota_settle")
        self._give_back = script(redis, "quota_give_back")
        self._carry_over = script(redis, "quota_carry_over")

    def take(self, gateway: str, limits: Limits, api: Api, account: str, *, spare: bool = False) -> Turn | PutOff:
        """Take one call, with everything that it may use; or a place in the gateway's line, where a pull or count waits.

        A `spare` confirm leaves, as pulls do, what the confirms of open batches need.
        """
        asked, about = monotonic(), taking(limits, api, spare=spare)
        return taken(
            self._take(keys=keys_of(gateway), args=[json.dumps(about), f"{api} {account}"]), about["id"], asked
        )

    def take_unpaused(
        self, gateway: str, limits: Limits, api: Api, account: str, *, now: float, spare: bool = False
    ) -> Turn | PutOff | Pause:
        """The same, but nothing is taken while the gateway's pause has not ended `now`: that pause, for the rules to judge."""
        asked, about = monotonic(), taking(limits, api, spare=spare)
        keys = [*keys_of(gateway), key("pause", "gateway", gateway)]
        answer = self._take(keys=keys, args=[json.dumps(about), f"{api} {account}", now])
        if answer[0] != "paused":
            return taken(answer, about["id"], asked)
        return stored(Pause, answer[1]) or self.take(gateway, limits, api, account, spare=spare)

    def settle(
        self, gateway: str, limits: Limits, taken: Turn, *, points: int | None, owed: int = 0, claim: float = 0.0
    ) -> list[tuple[Api, str]]:
        """A call has come to its end, as `Settled` says. Returns the API and account of those who are to call now."""
        ended = Settled(gateway, limits, taken, points, owed, claim)
        return called_in(self._settle(keys=keys_of(gateway), args=[json.dumps(ended.to_json())]))

    def give_back(self, gateway: str, owed: int) -> None:
        """So many calls, kept today for confirms, are not needed."""
        self._give_back(keys=[key("used", gateway)], args=[owed])

    def carry_over(self, before: str, after: str) -> None:
        """What the gateway of one name has used counts for that of another from now on, besides what that has used itself."""
        self._carry_over(
            keys=[key(kind, name) for name in (before, after) for kind in ("used", "window")], args=[KEEP_SECONDS]
        )

    def used(self, gateway: str, now: float) -> Used:
        """What the gateway has used on the day that `now` lies in, seconds since the epoch."""
        return self.used_many([gateway], now)[gateway]

    def used_many(self, gateways: Iterable[str], now: float) -> dict[str, Used]:
        """What each of these gateways has used that day, in one round trip."""

        def read(some: list[str]) -> Iterator[Used]:
            wheres = (day_key(gateway, now) for gateway in some)
            return map(_used, pipelined(self.redis, (("HMGET", where, *USED) for where in wheres)))

        return read_many(gateways, read)

    def history(self, gateway: str, now: float, days: int) -> dict[float, Used]:
        """What it has used on each of the last `days` days, by a moment of that day (seconds since the epoch), today first."""
        moments = [now - ago * DAY for ago in range(days)]
        commands = (("HMGET", day_key(gateway, moment), *USED) for moment in moments)
        return dict(zip(moments, map(_used, pipelined(self.redis, commands)), strict=True))

    def waiting(self, gateway: str) -> int:
        """How many pulls and counts of the gateway have been put off and wait for their turn."""
        return int(self.redis.zcard(key("line", gateway)))


def _used(found: Iterable[str | None]) -> Used:
    numbers = [int(number or 0) for number in found]
    return Used(dict(zip(APIS, numbers, strict=False)), *numbers[len(APIS) :])


def taking(limits: Limits, api: Api, *, spare: bool = False) -> dict[str, Any]:
    """What the scripts need to take a call, which `id` names from now on."""
    return _of(limits, api) | {
        "id": uuid.uuid4().hex,
        "api": api,
        "limits": f"{limits.calls_per_second}/{limits.calls_per_day}/{limits.points_per_day}",
        "needs": limits.needs(api),
        "apart": limits.apart,
        "midnight": MIDNIGHT_SECONDS,
        "again": SET_ASIDE_SECONDS,
        "least": LEAST_WAIT_SECONDS,
        "spare": spare,
    }


def taken(answer: Sequence[Any], id_: str, asked: float) -> Turn | PutOff:
    """What the scripts answer to whoever takes a call, who has asked at that moment by the steady clock."""
    match answer:
        case ["go", wait, at, reserve, first, final]:
            until = asked + max(0.0, float(wait)) + LEAVES_SECONDS
            return Turn(id_, max(0.0, float(wait)), float(at), int(reserve), (int(first), int(final)), until)
        case ["spent", wait, spent, first]:
            return PutOff(float(wait), spent, bool(first))
        case [_, wait]:
            return PutOff(float(wait))
        case _:
            raise ValueError(f"the script answered {answer!r}")


def called_in(whos: Iterable[str]) -> list[tuple[Api, str]]:
    """The API and account of those whom the scripts have called in."""
    split = (who.split(" ", 1) for who in whos)
    return [("pull" if api == "pull" else "count", account) for api, account in split]


def day_key(gateway: str, now: float) -> str:
    """Where what a gateway uses on a day is counted."""
    return f"{key('used', gateway)}:{day_number(now)}"


def keys_of(gateway: str) -> list[str]:
    """The keys of a gateway that the scripts need."""
    return [*(key(kind, gateway) for kind in ("pace", "window", "line", "called", "used")), *DUE]


def _of(limits: Limits, api: Api) -> dict[str, Any]:
    """A gateway's limits for the scripts, without those that it has not."""
    some = {"calls_per_day": limits.calls_per_day, "points_per_day": limits.points_per_day}
    return {name: limit for name, limit in some.items() if limit is not None} | {
        "calls": limits.calls,
        "span": limits.span,
        "interval": limits.interval,
        "patience": limits.patience(api),
        "arrives": ARRIVES_SECONDS,
        "late": LATE_SECONDS,
        "keep": KEEP_SECONDS,
    }
