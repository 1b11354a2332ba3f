"""TLS to Redis with one context for many connections.

redis-py makes a context for each connection and reads the system's authorities into it, which is most of what connecting costs:
a worker of a hundred threads makes a hundred connections as it starts, and again when Redis comes back.
"""

import ssl
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from redis.connection import SSLConnection
from redis.sentinel import SentinelManagedSSLConnection

from tasks.store.demoted import NotKept

AGAIN_SECONDS = 60.0
"""A context is made anew after so long, for the system's authorities. Files of the address count as soon as they change."""

Stamp = tuple[int, int, int] | None


class Terms(NamedTuple):
    """What is asked of the server, and shown to it."""

    required: ssl.VerifyMode
    check_hostname: bool
    authorities: str | None
    folder: str | None
    certificate: str | None
    key: str | None
    version: ssl.TLSVersion | None
    ciphers: str | None


class OneContext:
    """redis-py's connection, but for where its context comes from. Of its arguments it knows those that an address may have."""

    def _wrap_socket_with_ssl(self: Any, sock: Any) -> ssl.SSLSocket:
        terms = Terms(
            self.cert_reqs,
            self.check_hostname,
            self.ca_certs,
            self.ca_path,
            self.certfile,
            self.keyfile,
            self.ssl_min_version,
            self.ssl_ciphers,
        )
        files = stamps((self.ca_certs, self.ca_path, self.certfile, self.keyfile))
        context = made(terms, files, time.monotonic() // AGAIN_SECONDS)
        return context.wrap_socket(sock, server_hostname=self.host)


class Tls(NotKept, OneContext, SSLConnection):
    """To a Redis, or to a sentinel."""


class SentinelTls(OneContext, SentinelManagedSSLConnection):
    """To the Redis that sentinels name."""


def stamps(paths: Iterable[str | None]) -> tuple[Stamp, ...]:
    """What tells whether files have changed. Raises `OSError` for one that is not there."""
    found = (Path(path).stat() if path else None for path in paths)
    return tuple((each.st_ino, each.st_size, each.st_mtime_ns) if each else None for each in found)


@lru_cache(maxsize=8)
def made(terms: Terms, _files: tuple[Stamp, ...], _turn: float) -> ssl.SSLContext:
    """The context, as redis-py makes it. Raises `OSError` for files that OpenSSL cannot use."""
    context = ssl.create_default_context()
    context.check_hostname = terms.check_hostname
    context.verify_mode = terms.required
    if terms.certificate or terms.key:
        context.load_cert_chain(terms.certificate or "", terms.key)
    if terms.authorities or terms.folder:
        context.load_verify_locations(terms.authorities, terms.folder)
    if terms.version is not None:
        context.minimum_version = terms.version
    if terms.ciphers:
        context.set_ciphers(terms.ciphers)
    return context
