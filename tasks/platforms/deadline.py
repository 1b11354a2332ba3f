"""An end to replies that drip: a limit on a whole HTTP reply, where a socket's own timeout limits each read alone.

requests offers no such limit, and a server that sends a byte every few seconds would hold a worker for ever. So the
connections here read through `TimedReader`, headers and body alike, over TLS and through a proxy too. It also sees a
connection that is cut within the headers, which http.client takes for their end.
"""

import io
import socket
import time
from http.client import HTTPResponse, RemoteDisconnected
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

READS_A_REPLY = 4
"""A reply may take this many times as long as one read may (60 seconds by default)."""


class TimedReader(io.RawIOBase):
    """Reads a socket until the reply's time is up. No read waits longer than the socket's timeout of the start."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket, self._raw = sock, sock.makefile("rb", buffering=0)
        self._wait = sock.gettimeout()
        self._end = time.monotonic() + READS_A_REPLY * (self._wait or 0)
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._wait is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._socket.settimeout(min(self._wait, left))
        count = self._raw.readinto(buffer)
        self.ended = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Socket:
    """All that `HTTPResponse` asks of a socket."""

    def __init__(self, reader: TimedReader) -> None:
        self._reader = reader

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._reader)


class TimedResponse(HTTPResponse):
    """A reply that has a limited time to arrive."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        self._reader = TimedReader(sock)
        super().__init__(_Socket(self._reader), *args, **kwargs)  # type: ignore[arg-type]

    def begin(self) -> None:
        super().begin()
        if self._reader.ended:
            raise RemoteDisconnected("cut within the headers")


class _Connection(HTTPConnection):
    response_class = TimedResponse


class _TLSConnection(HTTPSConnection):
    response_class = TimedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


POOLS = {"http": _Pool, "https": _TLSPool}


class TimedAdapter(HTTPAdapter):
    """requests' adapter with timed replies, also through a proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager
