"""A server on loopback that takes what OpenTelemetry and Sentry send, as a collector and a Sentry would."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector(ThreadingHTTPServer):
    """Bodies by path, in the order of their arrival."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.bodies: list[tuple[str, bytes]] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def everything(self) -> bytes:
        return b"\n".join(body for _, body in list(self.bodies))

    @property
    def spans(self) -> list[Any]:
        """OpenTelemetry's."""
        found = [ExportTraceServiceRequest.FromString(body) for path, body in list(self.bodies) if "traces" in path]
        return [
            span for each in found for one in each.resource_spans for scope in one.scope_spans for span in scope.spans
        ]

    def events(self, project: str) -> list[dict[str, Any]]:
        """Sentry's, of one project."""
        bodies = [body for path, body in list(self.bodies) if path.startswith(f"/api/{project}/")]
        lines = [json.loads(line) for body in bodies for line in body.splitlines() if line.startswith(b"{")]
        return [line for line in lines if "level" in line]


class Taking(BaseHTTPRequestHandler):
    """Takes a POST and says that all is well."""

    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.bodies.append((self.path, body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


@contextmanager
def collecting() -> Iterator[Collector]:
    """One that listens."""
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
