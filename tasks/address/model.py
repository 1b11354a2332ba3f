"""What an address says, and how it is shown and handed to kombu."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

SCHEMES = {"tcp": "redis", "tls": "rediss", "sentinel": "sentinel"}


class AddressError(ValueError):
    """An address that cannot be used; the text says why, and shows no part of it."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in, and with what."""

    user: str = ""
    password: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.user or self.password)


@dataclass(frozen=True, slots=True)
class Address:
    """Where one Redis is and how to get in. `kind` is tcp, tls, unix or sentinel; `hosts` are then the sentinels'.

    `tls` are redis-py's `ssl_…` arguments, empty without TLS; `options` are other arguments of its connections.
    """

    kind: str
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    database: int = 0
    login: Login = field(default=Login(), repr=False)
    master: str = ""
    sentinel_login: Login = field(default=Login(), repr=False)
    tls: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """The address as it may be shown."""
        login = "***@" if self.login else ""
        if self.kind == "unix":
            return f"unix://{login}{quote(self.path)}?db={self.database}"
        hosts = ";".join(f"{SCHEMES[self.kind]}://{login}{_written(*host)}" for host in self.hosts)
        return f"{hosts}/{self.database}" + (f"?master={quote(self.master)}" if self.master else "")

    def without_login(self, query: str = "") -> str:
        """The address as kombu reads it, without user and password; `query` is added to each of its parts."""
        if self.kind == "unix":
            return f"redis+socket://{quote(self.path)}?virtual_host={self.database}" + (f"&{query}" if query else "")
        end = f"/{self.database}" + (f"?{query}" if query else "")
        return ";".join(f"{SCHEMES[self.kind]}://{_written(*host)}{end}" for host in self.hosts)


def _written(host: str, port: int) -> str:
    return f"[{quote(host, safe=':')}]:{port}" if ":" in host else f"{quote(host)}:{port}"
