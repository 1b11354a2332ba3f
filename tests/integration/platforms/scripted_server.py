"""An HTTP server on loopback that does what a test tells it to, and remembers what it was asked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

Script = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Request:
    """One request as it came, and from which port."""

    path: str
    headers: dict[str, str]
    form: dict[str, str]
    peer: tuple[str, int]


@dataclass
class Server:
    """What the server was asked, how many connections it has closed, and what it does next."""

    port: int
    script: Script
    requests: list[Request] = field(default_factory=list)
    closed: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def reply(body: bytes, status: int = 200, **headers: str) -> Script:
    """Answers each request with this; `_` in a header's name stands for `-`."""

    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return script


@contextmanager
def serving(script: Script, context: SSLContext | None = None) -> Iterator[Server]:
    """A server on a free port, for as long as the block runs, over TLS when given a context."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
            once = {name: value for name, (value,) in form.items()}
            told.requests.append(Request(self.path, dict(self.headers), once, self.client_address))
            with suppress(OSError):
                told.script(self)

        def log_message(self, *args: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            pass

        def shutdown_request(self, request: Any) -> None:
            super().shutdown_request(request)
            told.closed += 1

    with Quiet(("127.0.0.1", 0), Handler) as http:
        if context is not None:
            http.socket = context.wrap_socket(http.socket, server_side=True)
        told = Server(http.server_address[1], script)
        thread = Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield told
        finally:
            http.shutdown()
            thread.join()
