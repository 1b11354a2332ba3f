"""The HTTP server: one process, one application, until SIGTERM or Ctrl-C."""

import logging
import os
import socket
import traceback
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import click
import uvicorn
from kombu.exceptions import KombuError
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from tasks.commands.group import Unusable
from tasks.commands.web import health, letters_pages, memory, metrics, pages, steering_pages
from tasks.commands.web.access import Access
from tasks.commands.web.config import Config, configured
from tasks.commands.web.entering import Entering
from tasks.commands.web.guarding import Guard
from tasks.commands.web.rendering import FOLDER, page
from tasks.commands.web.sessions import Sessions
from tasks.garbage import freeze
from tasks.logs import about
from tasks.settings import WEB_PREFIX, unknown
from tasks.store.refusals import refusal
from tasks.text import shown

GRACE_SECONDS = 5
"""Replies that are under way at the end have so long."""

STATIC = {"style.css": "text/css", "icon.svg": "image/svg+xml"}
STATIC_CACHE = {"cache-control": "public, max-age=300"}

log = logging.getLogger(__name__)


def serve(host: str, port: int) -> None:
    """Listen there and serve until told to end. Raises `Unusable` where that address cannot be had or a setting is wrong."""
    config = configured()
    for said in unknown(os.environ):
        say(shown(said, 300), err=True)
    memory.one_heap()
    listening = bound(host, port)
    there = f"[{host}]" if ":" in host else host
    where = f"http://{there}:{listening.getsockname()[1]}"
    say(f"{where}/" if config.served else f"{where}/metrics (no page, as {WEB_PREFIX}PASSWORD is not set)")
    server = uvicorn.Config(
        guarded(config, host),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    freeze()
    metrics.picture().begin()
    uvicorn.Server(server).run(sockets=[listening])


def say(text: str, *, err: bool = False) -> None:
    """Print a line. A log on a full disk, or one that nobody reads any more, keeps nobody from the figures."""
    with suppress(OSError):
        click.echo(text, err=err)


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises `Unusable`."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=256)
    except OSError as error:
        raise Unusable(
            f"nobody can listen at {host}:{port}: {error.strerror or error}; see --host and --port"
        ) from None


def guarded(config: Config, host: str) -> Any:
    """Everything that is served at this host, behind what guards it."""
    app: Any = Guard(application(config), [host, *config.hosts], loopback=is_loopback(host))
    return ProxyHeadersMiddleware(app, list(config.proxy)) if config.proxy else app


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def application(config: Config) -> Starlette:
    """All routes: for machines, and for people where there is a password."""
    handlers: dict[Any, Callable[[Request, Exception], Response]] = {
        RedisError: unreachable,
        KombuError: unreachable,
        HTTPException: refused,
        Exception: broken,
    }
    return Starlette(
        routes=[*machines(), *(people(config) if config.served else [Route("/", nothing)])], exception_handlers=handlers
    )


def machines() -> list[BaseRoute]:
    """What machines read, without a password."""
    return [Route("/metrics", exposed), *health.routes()]


def exposed(_: Request) -> Response:
    """The text that Prometheus reads."""
    body, kind = metrics.exposition()
    return Response(body, headers={"content-type": kind})


def people(config: Config) -> list[BaseRoute]:
    """The page: all that can be looked at, and all that can be done."""
    sessions = Sessions(config)
    access, entering = Access(sessions), Entering(sessions)
    looks = {
        "/": pages.overview,
        "/accounts": pages.accounts,
        "/account": pages.account,
        "/gateways": pages.gateways,
        "/gateway": pages.gateway,
        "/topics": pages.topics,
        "/letters": letters_pages.letters,
        "/letter": letters_pages.letter,
        "/audit": pages.audit,
    }
    acts = {
        "/pause": steering_pages.pause,
        "/resume": steering_pages.resume,
        "/poll": steering_pages.poll,
        "/letter": letters_pages.show,
        "/letters/replay": letters_pages.replay,
        "/letters/drop": letters_pages.drop,
    }
    return [
        *(Route(path, access.view(view), methods=["GET"]) for path, view in looks.items()),
        *(Route(path, access.action(act), methods=["POST"]) for path, act in acts.items()),
        Route("/login", entering.form, methods=["GET"]),
        Route("/login", entering.enter, methods=["POST"]),
        Route("/logout", access.action(entering.leave, operators=False), methods=["POST"]),
        Route("/static/{name}", static, methods=["GET"]),
    ]


def static(request: Request) -> Response:
    """One of our own files, of which there are two."""
    name = request.path_params["name"]
    if name not in STATIC:
        return PlainTextResponse("not found\n", 404)
    return Response((FOLDER / "static" / name).read_bytes(), media_type=STATIC[name], headers=STATIC_CACHE)


def nothing(_: Request) -> Response:
    """What stands in the page's place where nobody could log in."""
    return PlainTextResponse(f"There is no page here, as {WEB_PREFIX}PASSWORD is not set.\n", 404)


def unreachable(request: Request, error: Exception) -> Response:
    """Redis or the broker is away: the page says so to anybody, the log says where, and all works again once it is back."""
    said = about("page_unreachable", path=request.url.path)
    log.warning("Redis or the broker cannot be used: %s", refusal(error, "").text, extra=said)
    return page(request, "unreachable.html", status=503, away=True)


def refused(request: Request, error: Exception) -> Response:
    """A page that is not there, a method that is not for it."""
    status = error.status_code if isinstance(error, HTTPException) else 400
    return page(request, "missing.html", status=status)


def broken(request: Request, error: Exception) -> Response:
    """A mistake of ours: the log has its place, and nothing of what it says, which may be a buyer's."""
    *_, place = traceback.extract_tb(error.__traceback__)
    where = request.url.path, type(error).__name__, place.filename, place.lineno
    log.error("the page %s failed: %s at %s:%d", *where, extra=about("page_failed", path=request.url.path))
    return page(request, "unreachable.html", status=500, away=False)
