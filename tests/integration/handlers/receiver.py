"""A back end's HTTP server that answers in every way that there is, as it is told for each post in turn."""

import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

SLOW_SECONDS = 0.3
OK = b"HTTP/1.1 204 No Content\r\n\r\n"


def answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    """A whole answer."""
    return "\r\n".join([f"HTTP/1.1 {status} X", *headers, f"Content-Length: {len(body)}", "", ""]).encode() + body


WAYS: dict[str, bytes] = {
    "ok": OK,
    "200": answer(200, body=b"x" * 1000),
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "close": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbye",
    "old": b"HTTP/1.0 200 OK\r\n\r\nbye",
    "large": answer(200, body=b"x" * 300_000),
    "twice": OK + OK,
    "500": answer(500, body=b"Internal"),
    "429": answer(429, "Retry-After: 1"),
    "429 date": answer(429, "Date: Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After: Sun, 06 Nov 1994 08:49:38 GMT"),
    "301": answer(301, "Location: http://127.0.0.1:1/"),
    "404": answer(404),
    "410": answer(410),
    "422": answer(422),
    "garbage": b"\x00\xff\x16\x03 SSH-2.0 hello\r\n\r\n" * 50,
    "bad head": b"HTTP/1.1 200 OK\r\n" + b"x" * 70_000 + b"\r\n\r\n",
    "early": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
    "early ok": b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK,
    "upgrade": b"HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n",
    "half": b"HTTP/1.1 20",
}
"""What is written for each way of answering. Besides: `cut` closes without a word, `lost` takes the message and closes, `never`
says nothing, `slow` answers after a while, `trickle` writes a byte now and then."""

ENDS = frozenset({"close", "old", "garbage", "half", "cut", "lost"})
SUCCESSES = frozenset({"ok", "200", "chunked", "close", "old", "large", "twice", "slow", "lost", "early ok"})


@dataclass(frozen=True)
class Post:
    """One post: its path, its headers by small names, its body, how it was answered and when."""

    path: str
    headers: dict[str, str]
    body: bytes
    way: str
    at: float = field(default_factory=time.time)


class Receiver(socketserver.ThreadingTCPServer):
    """Remembers posts, and answers the n-th in the n-th of these ways, all later ones as the last one says."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.posts: list[Post] = []
        self.connections = 0
        self.lock = threading.Lock()
        self.tls: ssl.SSLContext | None = None
        self.answers("ok")

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self.server_address[1])

    def answers(self, *ways: str) -> None:
        """Answer so from now on."""
        self._ways: Iterator[str] = chain(ways, repeat(ways[-1]))

    def decide(self, way: Callable[[], str]) -> None:
        """Ask for each post how to answer it."""
        self._ways = iter(way, None)

    def next_way(self) -> str:
        """How the next post is answered."""
        with self.lock:
            return next(self._ways)

    @property
    def taken(self) -> list[Post]:
        """The posts that were taken, whether their sender knows it or not."""
        return [post for post in self.posts if post.way in SUCCESSES]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes is nothing to print."""


class _Connection(socketserver.BaseRequestHandler):
    server: Receiver
    request: socket.socket

    def handle(self) -> None:
        self.server.connections += 1
        if self.server.tls:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        with suppress(OSError), self.request.makefile("rb") as stream:
            while line := stream.readline():
                _, path, _ = line.decode("latin-1").split(" ", 2)
                headers = {}
                while (each := stream.readline().decode("latin-1").strip()) != "":
                    name, _, value = each.partition(":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers["content-length"]))
                way = self.server.next_way()
                self.server.posts.append(Post(path, headers, body, way))
                self._answer(way)
                if way in ENDS:
                    return

    def _answer(self, way: str) -> None:
        if way == "never":
            self.request.recv(1)
        elif way == "slow":
            time.sleep(SLOW_SECONDS)
            self.request.sendall(OK)
        elif way == "trickle":
            for byte in OK * 100:
                self.request.sendall(bytes([byte]))
                time.sleep(0.05)
        elif way in WAYS:
            self.request.sendall(WAYS[way])


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A receiver that runs."""
    with Receiver(port) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()
