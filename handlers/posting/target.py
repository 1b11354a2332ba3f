"""Where a post goes: a URL, taken apart and looked at once. Nothing here tells its path, query or password to anybody."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import unquote_to_bytes, urlsplit

PORTS = {"http": 80, "https": 443}
NAME = re.compile(
    r"(?=.{1,253}\.?$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?"
)
"""A host's name or address, IPv6 aside; also such odd spellings of addresses as systems take."""

WRITE = "write https://host/path, or http://host:port/path"


class BadTarget(ValueError):
    """The URL cannot be posted to; the text says why and holds nothing of it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A scheme, a host in small letters, a port, and what only the receiver is told: path with query, and who logs in."""

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)
    authorization: str = field(default="", repr=False)

    @property
    def origin(self) -> str:
        """All of it that logs and errors may tell."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{'' if self.port == PORTS[self.scheme] else f':{self.port}'}"


@lru_cache(10_000)  # an account's own is looked at with each of its messages
def target(url: str) -> Target:
    """The URL, taken apart. Raises `BadTarget`."""
    if not (url.isascii() and url.isprintable()) or re.search(r'[\s\\"<>^`{|}]', url):
        raise BadTarget(f"it has characters that no URL has: {WRITE}, others written as %xx and names as xn--…")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadTarget(f"it is no URL: {WRITE}") from None
    if parts.scheme not in PORTS:
        raise BadTarget(f"its scheme is neither http nor https: {WRITE}")
    if port == 0 or not (NAME.fullmatch(host) or _is_ipv6(host)):
        raise BadTarget(f"it names no host and port: {WRITE}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or PORTS[parts.scheme], path, _authorization(parts.username, parts.password))


def _authorization(user: str | None, password: str | None) -> str:
    if user is None and password is None:
        return ""
    told = b":".join(unquote_to_bytes(part or "") for part in (user, password))
    return f"Basic {b64encode(told).decode()}"


def _is_ipv6(host: str) -> bool:
    try:
        return "%" not in host and bool(IPv6Address(host))
    except ValueError:
        return False
