"""Which workers and beats run, and what each says of itself: everybody writes it every few seconds, and drops it at its end."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

from tasks.clock import DAY
from tasks.store.connection import Client
from tasks.store.keys import key
from tasks.store.scripts import script
from tasks.store.wire import stored

EVERY_SECONDS = 3.0
"""How often a process says that it is there."""

GONE_SECONDS = 20.0
"""A process that said nothing for so long is taken to be gone: it missed several turns."""

FORGOTTEN_SECONDS = DAY
"""Who ended without a word is forgotten after this."""

HASH = key("presence")

Kind = Literal["worker", "beat"]


@dataclass(frozen=True, slots=True)
class Presence:
    """One process. `name` is a worker's node name or a beat's host, `since` when it started (seconds since the epoch).

    `handlers` is the fingerprint of what a worker has registered, "" where it runs none; `queues` are those that it takes from,
    none where it does not say.
    """

    kind: Kind
    name: str
    pid: int
    since: float = 0.0
    version: str = ""
    handlers: str = ""
    queues: tuple[str, ...] = ()
    skew: float = 0.0
    """How many seconds its machine's clock is ahead of Redis's."""
    loop: float = 0.0
    """How many seconds before this its main loop has turned."""
    connected: bool = True
    """Whether it has its broker (a worker), or found Redis, broker and accounts at its last look at what is due (a beat)."""
    polls: float = 0.0
    """For how many seconds none of a worker's polls and confirms has begun or ended while there were some."""
    messages: float = 0.0
    """The same of messages."""


class Presences:
    """Who is there, by kind, name, process id and start."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis
        self._put = script(redis, "presence_put")

    def put(self, present: Presence) -> None:
        """Say that a process is there, by Redis's clock."""
        self._put(keys=[HASH], args=[_field(present), json.dumps(asdict(present)), FORGOTTEN_SECONDS])

    def drop(self, present: Presence) -> None:
        """Say that it is not there any more."""
        self.redis.hdel(HASH, _field(present))

    def read(self) -> list[Presence]:
        """Everybody who was there a moment ago, by kind and name; who has been gone for long is forgotten."""
        now = int(self.redis.time()[0])
        found, gone = [], []
        for field, text in self.redis.hgetall(HASH).items():
            at, _, told = text.partition(" ")
            silent = now - int(at) if at.isdigit() else FORGOTTEN_SECONDS
            if silent >= FORGOTTEN_SECONDS:
                gone.append(field)
            elif abs(silent) < GONE_SECONDS and (present := stored(Presence, told)):
                found.append(present)
        if gone:
            self.redis.hdel(HASH, *gone)
        return sorted(found, key=lambda each: (each.kind, each.name, each.pid))


def _field(present: Presence) -> str:
    """What tells a process from all others: its id and name alone may be another container's too."""
    return f"{present.kind} {present.name} {present.pid} {present.since:.3f}"
