"""A way to Redis whose connections can be forgotten, as a NAT forgets them: nobody is told, and what is sent arrives nowhere."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class Way:
    """Forwards to a port on loopback. After `forget`, the connections of before stay open and carry nothing; new ones work."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._age = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.close()

    def forget(self) -> None:
        """Forget every connection that there is."""
        self._age += 1

    def move(self, port: int) -> None:
        """Lead new connections to another port; those of before stay where they are."""
        self._to = port

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._server.accept()
                there = socket.create_connection(("127.0.0.1", self._to))
                for source, target in ((here, there), (there, here)):
                    threading.Thread(target=self._carry, args=(source, target, self._age), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, age: int) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if age == self._age:
                    target.sendall(data)
        if age == self._age:
            for each in (source, target):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
