"""Who is not called until when, and why: an account that needs a person, or a gateway that is banned or spent."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

from tasks.store.connection import Client
from tasks.store.keys import key

Kind = Literal["account", "gateway"]

REMEMBER_SECONDS = 24 * 3600
"""A pause that is over is remembered this much longer, so that the wait after the next failed probe is a longer one."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Why somebody is not called, and until when (seconds since the epoch).

    `remedy` is what a person can do, "" when waiting is all. `probes` counts the calls that failed for the same reason, and
    `fingerprint` is that of the credentials they failed with: others are tried at once.
    """

    until: float
    reason: str
    remedy: str = ""
    probes: int = 0
    fingerprint: str = ""


class Pauses:
    """The pauses of accounts and gateways."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis

    def put(self, kind: Kind, name: str, pause: Pause, *, now: float) -> None:
        """Pause somebody, or pause longer."""
        lives = max(1, round(pause.until - now)) + REMEMBER_SECONDS
        self.redis.set(key("pause", kind, name), json.dumps(asdict(pause)), ex=lives)

    def get(self, account: str, gateway: str) -> tuple[Pause | None, Pause | None]:
        """The last pause of the account and of its gateway, over or not."""
        found = self.redis.mget(key("pause", "account", account), key("pause", "gateway", gateway))
        account_pause, gateway_pause = (None if one is None else Pause(**json.loads(one)) for one in found)
        return account_pause, gateway_pause

    def end(self, kind: Kind, name: str) -> None:
        """Forget a pause."""
        self.redis.delete(key("pause", kind, name))
