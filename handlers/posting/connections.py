"""Posts over connections that are kept, each to where `Reach` allows, each within a time that holds for all of it.

On `http.client`, not on urllib3: that logs paths with their queries where somebody logs everything, and limits each read, so
that an answer that trickles takes for ever. A proxy of the environment's is not asked: it would look names up by itself.
"""

import io
import os
import select
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, parse_headers
from typing import Any

from handlers.message import Retry
from handlers.posting.reach import OutOfReach, Reach
from handlers.posting.target import PORTS, Target

IDLE_SECONDS = 30.0
"""Receivers close what is idle for a minute or so; what has been idle for so long is not used again."""

MOST_IDLE = 100
"""Connections that a process keeps, to all receivers together."""

DRAIN_BYTES = 64 * 2**10
DRAIN_SECONDS = 1.0
"""What stands behind an answer's head is read so far, for the sake of the connection: it says nothing that matters."""

SWITCHED = 101
"""Nobody has asked for another protocol, and no answer comes behind it."""

GONE = (ConnectionResetError, BrokenPipeError)
"""How a kept connection fails that its receiver has closed meanwhile (`RemoteDisconnected` is one of the first)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's status, its `Retry-After`, and when it was written by its own clock."""

    status: int
    retry_after: str | None
    date: str | None


class _Reader(io.RawIOBase):
    """Reads a connection's socket until its time is over."""

    def __init__(self, connection: "_Connection") -> None:
        super().__init__()
        self._connection = connection
        self._sock = connection.sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._connection.left())
        return int(self._sock.recv_into(buffer))


class _Response(HTTPResponse):
    """The answer proper: `http.client` passes over 100 alone of those that may come before it."""

    def _read_status(self) -> tuple[str, int, str]:
        told: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]  # the stubs leave it out
        while 100 < told[1] < 200 and told[1] != SWITCHED:
            parse_headers(self.fp)
            told = super()._read_status()  # type: ignore[misc]
        return told


class _Connection(HTTPConnection):
    """One whose socket is `Reach`'s, and whose every wait ends by `until`, a moment of the steady clock."""

    def __init__(self, target: Target, reach: Reach) -> None:
        super().__init__(target.host, target.port)
        self.default_port = PORTS[target.scheme]
        self.origin = target.origin
        self.until = self.idle_since = 0.0
        self._reach = reach
        self._context = tls() if target.scheme == "https" else None

    def connect(self) -> None:
        self.sock = self._reach.connect(self.host, self.port, self.left)
        if self._context:
            self.sock.settimeout(self.left())
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host.rstrip("."))
        self.sock.settimeout(self.left())

    def response_class(self, _sock: socket.socket, *args: Any, **kwargs: Any) -> HTTPResponse:  # type: ignore[override]
        return _Response(_Socket(self), *args, **kwargs)  # type: ignore[arg-type]

    def left(self) -> float:
        """The seconds that are left, more than 0. Raises `TimeoutError`."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def send_all(self, target: Target, headers: dict[str, str], body: bytes) -> None:
        """Send the request. Raises what `connect` raises, and `OSError`."""
        if self.sock is not None:
            self.sock.settimeout(self.left())
        self.request("POST", target.path, body, headers)

    def receive(self) -> tuple[Answer, bool]:
        """The answer, and whether the connection may be used again. Raises `OSError` or `HTTPException`."""
        response = self.getresponse()
        answer = Answer(response.status, response.headers.get("retry-after"), response.headers.get("date"))
        self.until = min(self.until, time.monotonic() + DRAIN_SECONDS)
        with suppress(OSError, HTTPException, ValueError):
            response.read(DRAIN_BYTES)
        final = response.status >= 200  # below that, the answer proper is still to come
        usable = final and response.isclosed() and not response.will_close
        response.close()
        return answer, usable

    def is_usable(self) -> bool:
        """Whether it may be used again: what its receiver has closed, or said without being asked, may not."""
        if time.monotonic() - self.idle_since >= IDLE_SECONDS or self.sock is None:
            return False
        if isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
            return False
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return not poll.poll(0)


class _Socket:
    """All that `HTTPResponse` asks of a socket."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._connection))


class Connections:
    """The connections that a process keeps. Threads may share it, and a process that is forked begins with none."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def post(self, target: Target, headers: dict[str, str], body: bytes, seconds: float) -> Answer:
        """The answer to one post. Raises `Retry`, which tells no more of the target than its origin, when there is none."""
        until = time.monotonic() + seconds
        try:
            if (kept := self._take(target)) is not None:
                with suppress(*GONE):
                    return self._exchange(kept, until, target, headers, body)
            return self._exchange(_Connection(target, self._reach), until, target, headers, body)
        except TimeoutError:
            raise Retry(f"{target.origin} did not answer within {seconds:.3g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise Retry(f"{target.origin}: its certificate is refused: {error.verify_message}") from None
        except (OSError, HTTPException, ValueError) as error:
            raise Retry(f"{target.origin} gave no answer: {_kind(error)}") from None
        except OutOfReach as error:
            raise Retry(f"{target.origin} is not posted to: {error}") from None

    def _exchange(
        self, connection: _Connection, until: float, target: Target, headers: dict[str, str], body: bytes
    ) -> Answer:
        connection.until = until
        try:
            connection.send_all(target, headers, body)
            answer, usable = connection.receive()
        except BaseException:
            connection.close()
            raise
        if usable:
            self._keep(connection)
        else:
            connection.close()
        return answer

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []

    def _take(self, target: Target) -> _Connection | None:
        """A kept connection to this origin, the one that was used last."""
        with self._lock:
            mine = [each for each in self._idle if each.origin == target.origin]
            for each in reversed(mine):
                self._idle.remove(each)
                if each.is_usable():
                    return each
                each.close()
        return None

    def _keep(self, connection: _Connection) -> None:
        connection.idle_since = time.monotonic()
        with self._lock:
            self._idle.append(connection)
            if len(self._idle) > MOST_IDLE:
                self._idle.pop(0).close()


@cache
def tls() -> ssl.SSLContext:
    """Trusts what the system trusts, or SSL_CERT_FILE says, and the authorities that `requests` brings: images may have none."""
    from requests.utils import DEFAULT_CA_BUNDLE_PATH  # not before somebody needs it: it takes long

    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


def _kind(error: BaseException) -> str:
    """What went wrong, without the error's own text, which may quote what came."""
    if isinstance(error, OSError) and error.strerror and not isinstance(error, ssl.SSLError):
        return error.strerror
    return type(error).__name__
