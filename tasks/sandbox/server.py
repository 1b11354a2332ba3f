"""The HTTP server: the platforms' real paths and the control API on one port."""

import asyncio
import gzip
import json
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.http import HttpProcessingError

from tasks.sandbox.control_api import LARGEST, control_api
from tasks.sandbox.memory.exchange import Answer, Call
from tasks.sandbox.memory.state import State
from tasks.sandbox.platforms.qianmi import Qianmi
from tasks.sandbox.platforms.respond import Simulated, respond
from tasks.sandbox.platforms.top import Top
from tasks.sandbox.platforms.vvtool import Vvtool

WORTH_PACKING = 512
"""Bytes from which a reply is packed when the client takes gzip (Taobao only)."""

SWEEP_SECONDS = 60
PARENT_SECONDS = 0.5
CUT_OFF_SECONDS = 0.05
"""How long calls under way may take once the sandbox stops; 0 would be for ever."""


def application(state: State) -> web.Application:
    """The whole sandbox as an aiohttp application."""
    app = web.Application(client_max_size=LARGEST)
    app.router.add_route("*", "/router/rest", _handler(Top(state)))
    app.router.add_route("*", "/api", _handler(Qianmi(state)))
    app.router.add_route("*", "/tool/{rest:.*}", _handler(Vvtool(state)))
    app.add_subapp("/sandbox/", control_api(state))
    return app


async def serve(state: State, host: str, port: int, ready: Callable[[int], None], *, with_parent: bool) -> None:
    """Listen until SIGTERM or SIGINT, or, `with_parent`, until the parent process is gone.

    `ready` gets the port once connections are taken. Raises OSError when the address cannot be had.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(application(state), access_log=None, shutdown_timeout=CUT_OFF_SECONDS)
    await runner.setup()
    chores = [asyncio.create_task(_sweep(state))]
    if with_parent:
        chores.append(asyncio.create_task(_watch_parent(stop)))
    try:
        site = web.TCPSite(runner, host, port, reuse_address=True)
        await site.start()
        ready(runner.addresses[0][1])
        await stop.wait()
    finally:
        for chore in chores:
            chore.cancel()
        await runner.cleanup()


def _handler(simulated: Simulated) -> Callable[[web.Request], Awaitable[web.Response]]:
    packs = simulated.platform == "taobao"

    async def handle(request: web.Request) -> web.Response:
        answer = respond(simulated, await _call_of(request, simulated.state.clock()))
        if answer.delay:
            await asyncio.sleep(answer.delay)
        if answer.cut:
            return _cut(request)
        date = formatdate(simulated.state.clock() + simulated.state.switches.clock_ahead, usegmt=True)
        return _response(answer, date, packed=packs and "gzip" in request.headers.get("Accept-Encoding", ""))

    return handle


async def _call_of(request: web.Request, now: float) -> Call:
    """The call, with `now` as the time of its arrival. A name in both query and body has the query's value."""
    query = parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True, errors="replace")
    pairs = await _body_pairs(request) + query
    repeated = frozenset(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return Call(request.method, request.path, dict(pairs), now, token if scheme.lower() == "bearer" else "", repeated)


async def _body_pairs(request: web.Request) -> list[tuple[str, str]]:
    """The body's text fields; uploads are left out, as signatures leave them out. A body that is no form has none."""
    if not request.body_exists:
        return []
    try:
        match request.content_type:
            case "multipart/form-data":
                return [(name, value) for name, value in (await request.post()).items() if isinstance(value, str)]
            case "application/json":
                return [(name, _text(value)) for name, value in json.loads(await request.read()).items()]
        text = (await request.read()).decode("utf-8", "replace")
        return parse_qsl(text, keep_blank_values=True, errors="replace")
    except (ValueError, AttributeError, HttpProcessingError):
        return []


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _response(answer: Answer, date: str, *, packed: bool) -> web.Response:
    headers = {"Content-Type": answer.content_type, "Date": date}
    body = answer.body
    if packed and len(body) >= WORTH_PACKING:
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=1)
    return web.Response(body=body, status=answer.status, headers=headers)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _sweep(state: State) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        state.sweep()


async def _watch_parent(stop: asyncio.Event) -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_SECONDS)
    stop.set()
