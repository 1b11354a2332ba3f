"""What beats know of the gateways, for whoever reads Redis only: how many accounts each has, and how many of them a person has
paused, and its limits a day."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from tasks.store.connection import Client
from tasks.store.keys import PREFIX
from tasks.store.wire import stored

GATEWAYS = PREFIX + "gateways"


@dataclass(frozen=True, slots=True)
class Known:
    """One gateway: its accounts, what its limits allow a day (None where it has none), accounts that are paused by hand, and its
    app as a digest, "" where an earlier version has not said it."""

    accounts: int
    calls_per_day: int | None = None
    points_per_day: int | None = None
    by_hand: int = 0
    app: str = ""


class Gateways:
    """All of them, as the beat that spoke last knows them."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis

    def put(self, known: Mapping[str, Known]) -> None:
        """Let these be all that there are."""
        pipe = self.redis.pipeline().delete(GATEWAYS)
        if known:
            pipe.hset(GATEWAYS, mapping={name: json.dumps(asdict(each)) for name, each in known.items()})
        pipe.execute()

    def read(self) -> dict[str, Known]:
        """Each gateway by its name; none before a beat has said so."""
        found = {name: stored(Known, text) for name, text in self.redis.hgetall(GATEWAYS).items()}
        return {name: known for name, known in found.items() if known}
