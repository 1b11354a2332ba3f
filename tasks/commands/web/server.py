"""The HTTP server: one process, one application, until SIGTERM or Ctrl-C."""

import socket
from importlib import import_module
from importlib.util import find_spec

import click
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tasks.commands.group import Unusable

GRACE_SECONDS = 5
"""Replies that are under way at the end have so long."""


def serve(host: str, port: int) -> None:
    """Listen there and serve until told to end. Raises `Unusable` where that address cannot be had."""
    listening = bound(host, port)
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"http://{shown}:{listening.getsockname()[1]}/")
    config = uvicorn.Config(
        application(),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listening])


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises `Unusable`."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=256)
    except OSError as error:
        raise Unusable(
            f"nobody can listen at {host}:{port}: {error.strerror or error}; see --host and --port"
        ) from None


def application() -> Starlette:
    """Everything that is served."""
    return Starlette(routes=machines())


def machines() -> list[BaseRoute]:
    """What machines read, without a password."""
    found: list[BaseRoute] = []
    if find_spec("tasks.commands.web.metrics"):
        found.append(Route("/metrics", metrics))
    if find_spec("tasks.commands.web.health"):
        found += import_module("tasks.commands.web.health").routes()
    return found


def metrics(_: Request) -> Response:
    """The text that Prometheus reads."""
    body, kind = import_module("tasks.commands.web.metrics").exposition()
    return Response(body, media_type=kind)
