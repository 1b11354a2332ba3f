"""The way to every platform: one pooled `requests` session a process, with a limit on everything that can grow or hang.

Connecting, each read, the whole reply and its size have limits; TLS is verified; redirects and cookies are not followed
or kept; nothing is tried twice. Proxies and certificates are those of the environment, as always with requests, at a process's
first call to an address: what the session makes of the address is kept, as asking for each call anew costs more than the call.
"""

import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from http.client import HTTPException
from importlib import metadata
from math import inf
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from urllib3 import HTTPConnectionPool, Retry, Timeout
from urllib3 import exceptions as urllib3

from handlers.posting import answers
from tasks import clock
from tasks.clock import DAY
from tasks.platforms import clocks
from tasks.platforms.base import Keep
from tasks.platforms.connections import Call, TimedAdapter
from tasks.platforms.errors import BadRequest, MalformedReply, PlatformError, Throttled, Transient, Unavailable
from tasks.platforms.receiving import MESSAGES, Received, TooLarge
from tasks.settings import settings

PLATFORMS = 32
"""Hosts whose connections are kept."""
CONNECTIONS = 100
"""Idle connections kept for each host, at least; more threads than this, and than TIDINGS_POLLS_AT_ONCE, close their own."""

LONGEST_AWAY = 300.0
"""So long a 503's Retry-After is believed: what stands in front of a platform says it too, knows less, and likes to say an hour.
Seconds: confirms wait as well, and have to come within their leases."""

ONCE = Retry(False, redirect=False)

PATIENCE: ContextVar[float] = ContextVar("patience", default=inf)
"""Seconds that the reply of a call made here may take at the most, see `within`."""


def _version() -> str:
    try:
        return metadata.version("tidings")
    except metadata.PackageNotFoundError:
        return "0"


HEADERS = {
    "User-Agent": f"tidings/{_version()}",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "application/json",
    "Connection": "keep-alive",
    "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
}


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An HTTP reply that has a body to read: status 200 to 299, a refusal that the body may explain (400 to 499), or any that
    holds vv-tool's messages.

    `fault` is set when the body did not come to its end: why, and then `body` is what came before.
    """

    status: int
    body: bytes
    fault: PlatformError | None = None

    @property
    def ok(self) -> bool:
        return self.status < 300


@dataclass(frozen=True, slots=True)
class _Route:
    """How an address is called: over which connections, and what stands in the first lines of a request."""

    pool: HTTPConnectionPool
    target: str
    headers: dict[str, str]


FAILURES = (requests.RequestException, urllib3.HTTPError, HTTPException, OSError, ValueError)
"""All that requests, urllib3 and sockets raise."""


def post(
    url: str, form: Mapping[str, str], headers: Mapping[str, bytes] | None = None, *, keep: Keep | None = None
) -> HttpReply:
    """POST a form, UTF-8, and return what came.

    `keep` gets the body of a success, if it has one, or what came of it, as soon as it is there, and that of any reply with
    vv-tool's messages, which is returned whatever its status; what it raises is raised. Else raises `Transient` for a failure on
    the way, 408 and 5xx (`Unavailable` for a 503 that names a time), `Throttled` for 429, `MalformedReply` for a redirect,
    `BadRequest` when the request cannot even be built. No error quotes form or body.
    """
    limits, host, sent, patience = settings(), clocks.host_of(url), clock.now(), PATIENCE.get()
    try:
        call = Call(urlencode(form).encode("ascii"), limits.reply_bytes, keep, patience)
        reply = _send(url, call, headers or {}, _timeout(limits.connect_seconds, min(limits.read_seconds, patience)))
    except FAILURES as error:
        failed = _failure(error, host)
    else:
        if reply.unkept:
            raise reply.unkept
        clocks.hear(host, reply.headers.get("date"), sent, reply.at)
        if keep is None or reply.status < 300 or MESSAGES not in reply.body:
            _check_status(reply, host)
        return HttpReply(reply.status, reply.body, _failure(reply.fault, host) if reply.fault else None)
    raise failed


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Have the whole reply of a call made inside of this take no longer than so many seconds, whatever TIDINGS_READ_SECONDS
    allows."""
    before = PATIENCE.set(seconds)
    try:
        yield
    finally:
        PATIENCE.reset(before)


def _send(url: str, call: Call, headers: Mapping[str, bytes], timeout: Timeout) -> Received:
    route = _route(url)
    own = route.headers | {name: value.decode("latin-1") for name, value in headers.items()}
    if any("\n" in value or "\r" in value for value in own.values()):
        raise ValueError("a header of several lines")
    there: Any = route.pool.urlopen
    try:
        reply: Received = there(
            "POST", route.target, call, own, ONCE, redirect=False, assert_same_host=False, timeout=timeout
        )
    except urllib3.ClosedPoolError:  # nothing was sent: too many other hosts were called meanwhile
        _route.cache_clear()
        return _send(url, call, headers, timeout)
    return reply


def _check_status(reply: Received, host: str) -> None:
    status = reply.status
    if status == 429:
        after = _retry_after(reply)
        raise Throttled(f"{host} answers HTTP 429", seconds=after or 1.0, named=after is not None)
    if status == 503 and (after := _retry_after(reply)) is not None:
        raise Unavailable(f"{host} answers HTTP 503", seconds=min(after, LONGEST_AWAY))
    if status >= 500 or status == 408:
        raise Transient(f"{host} answers HTTP {status}")
    if not (200 <= status < 300 or 400 <= status < 500):
        what = "elsewhere" if status < 400 else "nothing known"
        raise MalformedReply(f"{host} answers HTTP {status}, which points {what}: is the gateway's url right?")


def _retry_after(reply: Received) -> float | None:
    """Seconds that the Retry-After header names, from one to a day's; as a date, seen from the reply's own."""
    value = reply.headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return float(min(max(int(value), 1), DAY)) if len(value) < 10 else None
    wait = answers.seconds(value, clocks.moment(reply.headers.get("date", "")) or reply.at)
    return None if wait is None else max(wait, 1.0)


def _failure(error: Exception, host: str) -> PlatformError:
    """What an exception means that the call ended in, or the reading of a body. Its own text stays out: it may quote headers."""
    match error:
        case TooLarge():
            limit = settings().reply_bytes
            return MalformedReply(f"the reply is larger than {limit} bytes, the limit that TIDINGS_REPLY_BYTES sets")
        case zlib.error():
            return MalformedReply(f"the reply of {host} cannot be unpacked")
        case urllib3.NewConnectionError():
            return Transient(_unreached(error, host))
        case urllib3.ConnectTimeoutError():
            return Transient(f"no connection to {host} in time")
        case urllib3.ProxyError():
            return Transient(f"the proxy on the way to {host} failed")
        case urllib3.SSLError():
            return Transient(f"no trusted TLS connection to {host}{_untrusted(error)}")
        case urllib3.TimeoutError() | TimeoutError():
            return Transient(f"no reply from {host} in time")
        case urllib3.ProtocolError() | HTTPException() | OSError():
            return Transient(f"no connection to {host}, or it was cut")
        case ValueError():
            return BadRequest(
                f"no request to {host} can be made: address, header or parameter is wrong", scope="gateway"
            )
        case _:
            return Transient(f"the call to {host} failed ({type(error).__name__})")


def _unreached(error: urllib3.NewConnectionError, host: str) -> str:
    """Why there is no connection, and where to look."""
    if isinstance(error, urllib3.NameResolutionError):
        return f"the name {host} is not known: is the gateway's url right, and does this machine's DNS answer?"
    return f"{host} takes no connection: is the gateway's url right, and does a firewall let this machine out?"


def _untrusted(error: urllib3.SSLError) -> str:
    """What OpenSSL says of a certificate, or of a port that speaks no TLS: fixed words, nothing of what was sent."""
    inner = error.args[0] if error.args else None
    said = getattr(inner, "verify_message", "") or getattr(inner, "reason", "")
    return f": {str(said).replace('_', ' ').lower()}" if said else ""


@lru_cache(PLATFORMS)
def _route(url: str) -> _Route:
    """What the session makes of an address. Raises `RequestException`, and `ValueError` for an address that is none."""
    request = requests.Request("POST", url).prepare()
    address = request.url or ""
    found = _session().merge_environment_settings(address, {}, None, None, None)
    proxies, verify, cert = found["proxies"], found["verify"], found["cert"]
    adapter: Any = _session().get_adapter(address)
    pool = adapter.get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
    adapter.cert_verify(pool, address, verify, cert)
    scheme, place, *_ = urlsplit(address)
    host = place.rpartition("@")[2].removesuffix(":443" if scheme == "https" else ":80")
    return _Route(pool, adapter.request_url(request, proxies), {"Host": host, **HEADERS})


@lru_cache(4)
def _timeout(connect: float, read: float) -> Timeout:
    return Timeout(connect=connect, read=read)


@cache
def _session() -> requests.Session:
    session = requests.Session()
    idle = max(CONNECTIONS, settings().polls_at_once)
    adapter = TimedAdapter(pool_connections=PLATFORMS, pool_maxsize=idle)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def start_afresh() -> None:
    """Use no connection of before, and read the environment anew: a forked child shares none with its parent."""
    _route.cache_clear()
    _session.cache_clear()


os.register_at_fork(after_in_child=start_afresh)
