"""The way between a worker's main process and its lane: lists of values, pickled, each behind its length.

The main process never waits for the lane. What the lane has not read yet waits in the main process, and is little: no more jobs
are with the lane than it has threads.
"""

import pickle
import socket
from collections.abc import Sequence
from typing import Any

LENGTH = 4
READ_BYTES = 2**16
"""Bytes read at a time. Python makes room for all of them first: for four times as many each read takes 15 µs longer."""


def packed(values: Sequence[Any]) -> bytes:
    """Values as they are sent."""
    body = pickle.dumps(values, pickle.HIGHEST_PROTOCOL)
    return len(body).to_bytes(LENGTH, "big") + body


class Outgoing:
    """The sending end, which does not block."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._left = b""
        sock.setblocking(False)

    def put(self, values: Sequence[Any]) -> bool:
        """Send values behind what is left; whether everything is on its way."""
        self._left += packed(values)
        return self.flush()

    def flush(self) -> bool:
        """Send what is left, as far as the other side takes it; whether nothing is left. An end that is gone takes everything."""
        try:
            while self._left:
                self._left = self._left[self.sock.send(self._left) :]
        except BlockingIOError:
            return False
        except OSError:
            self._left = b""
        return True


class Incoming:
    """The receiving end."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._begun = bytearray()

    def get(self) -> list[Any]:
        """What has arrived, waiting for it if the socket blocks; perhaps nothing whole yet. Raises `EOFError` at the end."""
        try:
            data = self.sock.recv(READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            raise EOFError
        self._begun += data
        values: list[Any] = []
        while len(self._begun) >= LENGTH:
            end = LENGTH + int.from_bytes(self._begun[:LENGTH], "big")
            if len(self._begun) < end:
                break
            values += pickle.loads(self._begun[LENGTH:end])  # noqa: S301 - of a process of our own
            del self._begun[:end]
        return values
