"""Which installation a Redis holds."""

import json
from dataclasses import asdict

from tasks.rules.belonging import Installation
from tasks.store.connection import Client
from tasks.store.keys import key

KEY = key("installation")


class Installations:
    """The one that is there."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis

    def read(self) -> Installation | None:
        """It; None while nobody has begun."""
        text = self.redis.get(KEY)
        if text is None:
            return None
        try:
            found = json.loads(text)
            return Installation(str(found["id"]), str(found.get("home", "")))
        except (ValueError, TypeError, KeyError, AttributeError):
            return Installation(str(text))

    def claim(self, wanted: Installation) -> Installation:
        """Write it down where none is yet; the one that is there now."""
        self.redis.set(KEY, json.dumps(asdict(wanted)), nx=True)
        return self.read() or wanted

    def moved(self, to: Installation) -> None:
        """Write down where the installation lives now."""
        self.redis.set(KEY, json.dumps(asdict(to)))
