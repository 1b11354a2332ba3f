"""The connections below the session: each sends a request in one write, and reads the whole reply with `receiving`.

What they are made of stays urllib3's: pools, TLS, proxies. A connection gets a `Call` in the place of a body, and returns a
`Received` in that of a response, so that nothing stands between the last byte of a reply and its storing.
"""

import io
import socket
from dataclasses import dataclass
from http.client import HTTPResponse
from math import inf
from time import monotonic
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from tasks.platforms.base import Keep
from tasks.platforms.receiving import MESSAGES, Received, TimedReader, receive

IDLE_SECONDS = 50.0
"""Platforms close connections that are idle for a minute or so. A call that meets such a close on its way fails, so none is
made on a connection that has been idle for so long, or as long as the platform says."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a request sends, the most bytes and seconds that its reply may have, and who keeps the body of a success that has
    one, and any that has vv-tool's messages."""

    form: bytes
    limit: int
    keep: Keep | None = None
    seconds: float = inf


class _Socket:
    """All that `HTTPResponse` asks of a socket."""

    def __init__(self, reader: TimedReader) -> None:
        self._reader = reader

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._reader)


class TimedResponse(HTTPResponse):
    """A proxy's answer to CONNECT, which has a limited time to arrive."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_Socket(TimedReader(sock, sock.gettimeout() or 0)), *args, **kwargs)  # type: ignore[arg-type]


class _Timed:
    """What both kinds of connection do in their own way: `HTTPConnection`'s members, without its state machine."""

    response_class = TimedResponse
    sock: Any
    timeout: Any
    _call: Call
    _until = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether a call may be made on it."""
        return monotonic() < self._until and super().is_connected  # type: ignore[misc]

    def request(self, method: str, url: str, body: Call, headers: dict[str, str], **_ours: object) -> None:
        """Send a call's head and form. Raises `OSError`."""
        self._call = body
        lines = [f"{method} {url} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        head = "\r\n".join([*lines, f"Content-Length: {len(body.form)}", "", ""])
        self.send(head.encode("latin-1") + body.form)  # type: ignore[attr-defined]

    def getresponse(self) -> Received:
        """The whole reply, kept if it is to be. Raises `OSError` or `HTTPException` for one that has no head."""
        call = self._call
        if self.sock.gettimeout() != self.timeout:  # setting it is a system call
            self.sock.settimeout(self.timeout)
        reply = receive(self.sock, self.timeout, call.limit, IDLE_SECONDS, call.seconds)
        if call.keep and reply.body and (200 <= reply.status < 300 or MESSAGES in reply.body):
            try:
                call.keep(reply.body)
            except Exception as error:  # urllib3 would take some for failures of the call
                reply.unkept = error
        self._until = monotonic() + reply.lasts
        if not reply.lasts:
            self.close()  # type: ignore[attr-defined]
        return reply


class _Connection(_Timed, HTTPConnection):  # type: ignore[misc]
    pass


class _TLSConnection(_Timed, HTTPSConnection):  # type: ignore[misc]
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection  # type: ignore[assignment]


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection  # type: ignore[assignment]


POOLS = {"http": _Pool, "https": _TLSPool}


class TimedAdapter(HTTPAdapter):
    """requests' adapter with these connections, also through a proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager
