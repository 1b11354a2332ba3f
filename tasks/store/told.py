"""What was said lately by one of many processes, so that the others need not say it too."""

from tasks.store.connection import Client
from tasks.store.keys import key


class Told:
    """Remembers for some time that something was said."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis

    def first(self, what: str, about: str, seconds: int) -> bool:
        """Whether nobody said this within the last so many seconds; from now on somebody has."""
        return bool(self.redis.set(key("told", what, about), "1", nx=True, ex=seconds))
