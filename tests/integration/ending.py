"""A port that takes connections and ends them, as one with TLS does where our certificate is missing or wrong."""

import socket
import threading
from typing import Self


class Ending:
    """Ends the first `ended` connections, and answers each command of the later ones as a Redis answers a PING."""

    def __init__(self, ended: int) -> None:
        self.taken = 0
        self._ended = ended
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._server.getsockname()[1]}/0"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                there, _ = self._server.accept()
            except OSError:  # closed
                return
            with there:
                self.taken += 1
                while self.taken > self._ended and (asked := there.recv(4096)):
                    there.sendall(self._reply(asked))

    def _reply(self, asked: bytes) -> bytes:
        return b"%1\r\n$5\r\nproto\r\n:3\r\n" if b"HELLO" in asked else b"+PONG\r\n"
