"""The way to every platform: one pooled `requests` session a process, with a limit on everything that can grow or hang.

Connecting, each read, the whole reply and its size have limits; TLS is verified; redirects and cookies are not followed
or kept; nothing is tried twice. Proxies and certificates are those of the environment, as always with requests.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from importlib import metadata
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from tasks import clock
from tasks.clock import DAY
from tasks.platforms import clocks
from tasks.platforms.deadline import TimedAdapter
from tasks.platforms.errors import BadRequest, MalformedReply, PlatformError, Throttled, Transient
from tasks.settings import settings

PLATFORMS = 32
"""Hosts whose connections are kept."""
CONNECTIONS = 100
"""Idle connections kept for each host; more threads than this open and close their own."""
CHUNK = 2**10
"""Bytes read at a time: few, as this much is lost of a reply that is cut, and an old urllib3 unpacks it all at once."""


def _version() -> str:
    try:
        return metadata.version("tidings")
    except metadata.PackageNotFoundError:
        return "0"


HEADERS = {
    "User-Agent": f"tidings/{_version()}",
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
}


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An HTTP reply that has a body to read: status 200 to 299, or a refusal that the body may explain (400 to 499).

    `fault` is set when the body did not come to its end: why, and then `body` is what came before.
    """

    status: int
    body: bytes
    fault: PlatformError | None = None

    @property
    def ok(self) -> bool:
        return self.status < 300


FAILURES = (requests.RequestException, HTTPError, OSError, ValueError)
"""All that requests, urllib3 and sockets raise."""


def post(url: str, form: Mapping[str, str], headers: Mapping[str, bytes] | None = None) -> HttpReply:
    """POST a form, UTF-8, and return what came.

    Raises `Transient` for a failure on the way, 408 and 5xx, `Throttled` for 429, `MalformedReply` for a redirect,
    `BadRequest` when the request cannot even be built. No error quotes form or body.
    """
    limits, host, sent = settings(), urlsplit(url).hostname or "", clock.now()
    try:
        with _session().post(
            url,
            data=dict(form),
            headers=dict(headers or {}),
            timeout=(limits.connect_seconds, limits.read_seconds),
            allow_redirects=False,
            stream=True,
        ) as response:
            clocks.hear(host, response.headers.get("Date"), sent, clock.now())
            _check_status(response, host)
            return _answer(response, limits.reply_bytes, host)
    except FAILURES as error:
        failed = _failure(error, host)
    raise failed


def _check_status(response: requests.Response, host: str) -> None:
    status = response.status_code
    if status == 429:
        raise Throttled(f"{host} answers HTTP 429", seconds=_retry_after(response))
    if status >= 500 or status == 408:
        raise Transient(f"{host} answers HTTP {status}")
    if not (200 <= status < 300 or 400 <= status < 500):
        raise MalformedReply(f"{host} answers HTTP {status}, a reply or an error was expected")


def _retry_after(response: requests.Response) -> float:
    """Seconds that the Retry-After header names, from one to a day's; its other form, a date, counts as one."""
    value = response.headers.get("Retry-After", "").strip()
    return float(min(max(int(value), 1), DAY)) if value.isascii() and value.isdigit() and len(value) < 10 else 1.0


def _answer(response: requests.Response, limit: int, host: str) -> HttpReply:
    body = bytearray()
    fault: PlatformError | None = None
    try:
        for chunk in response.iter_content(CHUNK):
            body += chunk
            if len(body) > limit:
                fault = MalformedReply(
                    f"the reply is larger than {limit} bytes, the limit that TIDINGS_REPLY_BYTES sets"
                )
                break
    except FAILURES as error:
        fault = _failure(error, host)
    return HttpReply(response.status_code, bytes(body), fault)


def _failure(error: Exception, host: str) -> PlatformError:
    """What an exception of requests means. Its own text stays out: it may quote headers."""
    match error:
        case requests.exceptions.ConnectTimeout():
            return Transient(f"no connection to {host} in time")
        case requests.exceptions.ProxyError():
            return Transient(f"the proxy on the way to {host} failed")
        case requests.exceptions.SSLError():
            return Transient(f"no trusted TLS connection to {host}")
        case requests.exceptions.ContentDecodingError():
            return MalformedReply(f"the reply of {host} cannot be unpacked")
        case requests.exceptions.Timeout() | requests.exceptions.ConnectionError(args=(ReadTimeoutError(), *_)):
            return Transient(f"no reply from {host} in time")
        case requests.exceptions.ConnectionError() | requests.exceptions.ChunkedEncodingError():
            return Transient(f"no connection to {host}, or it was cut")
        case ValueError():
            return BadRequest(
                f"no request to {host} can be made: address, header or parameter is wrong", scope="gateway"
            )
        case _:
            return Transient(f"the call to {host} failed ({type(error).__name__})")


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stands in for authentication: without one, requests overwrites our own header from ~/.netrc."""
    return request


@cache
def _session() -> requests.Session:
    session = requests.Session()
    session.auth = _as_it_is
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update(HEADERS)
    adapter = TimedAdapter(pool_connections=PLATFORMS, pool_maxsize=CONNECTIONS)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _start_afresh() -> None:
    """A forked child shares no connections with its parent; it makes its own before it has threads to race."""
    _session.cache_clear()
    _session()


_session()
os.register_at_fork(after_in_child=_start_afresh)
