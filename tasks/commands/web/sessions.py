"""Who is logged in. A cookie holds a random token; Redis holds, by a digest that needs the passwords too, whose it is.

So any number of processes agree, logging out ends a session everywhere, another password ends them all, and who reads Redis
can log in with nothing that stands there.
"""

import hashlib
import hmac
import secrets
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

from starlette.requests import Request
from starlette.responses import Response

from tasks import clock
from tasks.commands.web import health
from tasks.commands.web.config import Config
from tasks.runtime import stores
from tasks.store.web import LOGINS, Line, Role, Session

COOKIE = "tidings"
IDLE_SECONDS = 30 * 60
LONGEST_SECONDS = 12 * 3600.0
TRIES = 5
TRIES_SECONDS = 15 * 60
"""So many tries to log in an address gets within so long, over all processes together."""

LONGEST_NAME = 40


class Sessions:
    """The sessions of one installation."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def log_in(self, request: Request, name: str, password: str) -> tuple[Session, str] | float:
        """A new session and its token; or the seconds to wait where there were too many tries, 0 for a wrong password."""
        health.client().ping()
        address = address_of(request)
        number, left = stores().web.attempt(_network(address), TRIES_SECONDS)
        if number > TRIES:
            return max(1.0, left)
        role, known = self._role(password), named(name, address)
        if role is None:
            stores().web.note(Line(clock.now(), known, address, "login refused"), LOGINS)
            return 0.0
        stores().web.forgive(_network(address))
        token = secrets.token_urlsafe(32)
        session = Session(known, role, clock.now(), secrets.token_urlsafe(32))
        stores().web.begin(self._digest(token), session, IDLE_SECONDS)
        note(request, session, "login", role)
        return session, token

    def of(self, request: Request) -> Session | None:
        """Whose request it is; None for nobody's."""
        token = request.cookies.get(COOKIE, "")
        if not token or len(token) > 100:
            return None
        health.client().ping()  # of a Redis that hangs this tells soon: the stores ask again and again, for a quarter of a minute
        digest = self._digest(token)
        session = stores().web.session(digest, IDLE_SECONDS)
        if session and clock.now() - session.since > LONGEST_SECONDS:
            stores().web.end(digest)
            return None
        return session

    def end(self, request: Request) -> None:
        """Log out."""
        stores().web.end(self._digest(request.cookies.get(COOKIE, "")))

    def set_cookie(self, request: Request, response: Response, token: str) -> None:
        """Give the browser its token; an empty one takes it away."""
        secure = self.config.secure or request.url.scheme == "https"
        age = None if token else 0
        response.set_cookie(COOKIE, token, max_age=age, path="/", secure=secure, httponly=True, samesite="strict")

    def _role(self, password: str) -> Role | None:
        """Whose password it is. Both are compared in full, whichever it is."""
        operator = same(password, self.config.password)
        reader = same(password, self.config.readonly)
        return "operator" if operator else "reader" if reader else None

    def _digest(self, token: str) -> str:
        return hmac.digest(self._key(), token.encode("utf-8", "replace"), "sha256").hex()

    def _key(self) -> bytes:
        """What digests are made with: of both passwords and of the installation's own random key, slow to try passwords with."""
        return derived(f"{self.config.password}\0{self.config.readonly}", stores().web.key())


@lru_cache(4)
def derived(passwords: str, salt: str) -> bytes:
    """A key of both passwords and a random text; it takes some 50 ms to make."""
    return hashlib.scrypt(passwords.encode("utf-8", "replace"), salt=salt.encode(), n=2**14, r=8, p=1, dklen=32)


def same(given: str, wanted: str) -> bool:
    """Whether it is this password, in a time that does not tell how much of it is right; no password is nobody's."""
    one, other = (hashlib.sha256(each.encode("utf-8", "replace")).digest() for each in (given, wanted))
    return hmac.compare_digest(one, other) and bool(wanted)


def note(request: Request, session: Session, what: str, about: str = "") -> None:
    """Write into the audit who did what."""
    stores().web.note(Line(clock.now(), session.name, address_of(request), what, about[:200]))


def address_of(request: Request) -> str:
    """Who asks, as far as it is known."""
    return request.client.host if request.client else "?"


def named(name: str, address: str) -> str:
    """The name that somebody gave, or the address."""
    plain = "".join(char for char in name if char.isprintable()).strip()
    return plain[:LONGEST_NAME] or address


def _network(address: str) -> str:
    """What one customer of a provider has: an IPv4 address, or 2^64 of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped or IPv6Network((int(found), 64), strict=False))
    return str(found)
