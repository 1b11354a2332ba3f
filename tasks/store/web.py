"""What the operators' page keeps, so that any number of processes may serve it: who is logged in, who tried, who did what.

`web:key` is made once and never goes. `web:session:DIGEST` ends with its session, `web:tries:ADDRESS` some time after the first
try, `web:audit` and `web:logins` hold so many of the latest lines.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from typing import Literal

from tasks.store.connection import Client
from tasks.store.keys import PREFIX, key
from tasks.store.wire import stored

KEY = PREFIX + "web:key"
AUDIT, LOGINS = PREFIX + "web:audit", PREFIX + "web:logins"
MOST_LINES = 2000
KEY_BYTES = 32

Role = Literal["operator", "reader"]


@dataclass(frozen=True, slots=True)
class Session:
    """Who is logged in: the name given, the role, when (seconds since the epoch), and the token that every form has to bring."""

    name: str
    role: Role
    since: float
    csrf: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the audit: when (seconds since the epoch), who, from which address, did what, to whom."""

    at: float
    name: str
    address: str
    what: str
    about: str = ""


class Web:
    """All of it."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis

    def key(self) -> str:
        """The installation's own random key, made by whoever asks first."""
        self.redis.set(KEY, secrets.token_hex(KEY_BYTES), nx=True)
        return str(self.redis.get(KEY))

    def begin(self, digest: str, session: Session, seconds: int) -> None:
        """Remember a session by the digest of its token, for so many seconds."""
        self.redis.set(_session(digest), json.dumps(asdict(session)), ex=seconds)

    def session(self, digest: str, seconds: int) -> Session | None:
        """The session of this digest, which lives for so many seconds from now on; None where there is none."""
        found, _ = (
            self.redis.pipeline(transaction=False).get(_session(digest)).expire(_session(digest), seconds).execute()
        )
        return stored(Session, found)

    def end(self, digest: str) -> None:
        """End a session."""
        self.redis.delete(_session(digest))

    def attempt(self, address: str, seconds: int) -> tuple[int, float]:
        """Count a try to log in from an address: how many there were within so many seconds, and when they are over."""
        where = key("web:tries", address)
        pipe = self.redis.pipeline().set(where, 0, nx=True, ex=seconds).incrby(where, 1).pttl(where)
        _, number, left = pipe.execute()
        return int(number), max(0, left) / 1000

    def forgive(self, address: str) -> None:
        """Forget the tries from an address, as one went well."""
        self.redis.delete(key("web:tries", address))

    def note(self, line: Line, where: str = AUDIT) -> None:
        """Add a line to the audit (`AUDIT`), or to the logins that were refused (`LOGINS`)."""
        self.redis.pipeline().rpush(where, json.dumps(asdict(line))).ltrim(where, -MOST_LINES, -1).execute()

    def lines(self, start: int, number: int, where: str = AUDIT) -> list[Line]:
        """So many lines after the `start` latest, the latest first."""
        found = self.redis.lrange(where, -start - number, -start - 1)
        return [line for text in reversed(found) if (line := stored(Line, text))]


def _session(digest: str) -> str:
    return key("web:session", digest)
