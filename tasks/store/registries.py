"""What workers have registered for which topic: one lot for all that have the same, under its fingerprint."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from tasks.clock import DAY
from tasks.rules.registries import Entry, fingerprint
from tasks.store.connection import Client
from tasks.store.keys import key
from tasks.store.wire import stored

KEEP_SECONDS = DAY
"""How long a lot is known after its last worker said so."""


@dataclass(frozen=True, slots=True)
class Lot:
    """All that one worker has registered."""

    entries: tuple[Entry, ...] = ()


class Registries:
    """Lots of handlers, by fingerprint."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis

    def put(self, entries: Iterable[Entry], beside: Iterable[str] = ()) -> None:
        """Say what a worker has."""
        lot = Lot(tuple(entries))
        self.redis.set(key("handlers", fingerprint(lot.entries, beside)), json.dumps(asdict(lot)), ex=KEEP_SECONDS)

    def read(self, fingerprints: Iterable[str]) -> Mapping[str, tuple[Entry, ...]]:
        """What stands behind each of these, as far as it is known, in one round trip."""
        wanted = sorted({each for each in fingerprints if each})
        texts = self.redis.mget([key("handlers", each) for each in wanted]) if wanted else []
        lots = ((each, stored(Lot, text)) for each, text in zip(wanted, texts, strict=True))
        return {each: lot.entries for each, lot in lots if lot}
