"""The control API under `/sandbox/`: publish, set faults and switches, read the ledger. JSON in, JSON out.

A request that is wrong gets status 400 and `{"error": ...}`, and changes nothing.

PUT apps: an `AppSpec`; replies with the app's name.
GET switches. PUT switches: those that shall change; both reply with all.
POST messages: a `Publication`; replies with the ids in the same order.
POST counters: a `CounterRow`.
PUT faults: a `FaultSpec`; replies with its id. DELETE faults: all of them. DELETE faults/ID: one that was used up is gone.
GET ledger[?platform=&group=&shop_id=], GET summary, GET calls[?last=N]: oldest first.
POST reset: no messages, no faults, everything as it started.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from tasks.sandbox import ledger
from tasks.sandbox.memory.apps import AppSpec
from tasks.sandbox.memory.counter import CounterRow
from tasks.sandbox.memory.faults import FaultSpec
from tasks.sandbox.memory.state import Publication, State

Body = TypeVar("Body")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LARGEST = 1 << 30
"""Bytes of one request: a publication of some 100,000 messages has to fit."""


def control_api(state: State) -> web.Application:
    """What answers below `/sandbox`."""
    app = web.Application(middlewares=[_refuse_wrong], client_max_size=LARGEST)
    app.add_routes(
        [
            web.put("/apps", _taking(AppSpec, lambda spec: {"name": state.set_app(spec).name})),
            web.get("/switches", _telling(lambda _: state.switches.model_dump())),
            web.put("/switches", _taking(dict[str, Any], lambda change: state.switch(change).model_dump())),
            web.post("/messages", _taking(Publication, lambda publication: {"ids": state.publish(publication)})),
            web.post("/counters", _taking(CounterRow, state.set_counter)),
            web.put("/faults", _taking(FaultSpec, lambda spec: {"id": state.add_fault(spec)})),
            web.delete("/faults", _telling(lambda _: state.faults.clear())),
            web.delete("/faults/{id}", _telling(lambda call: {"removed": state.faults.remove(call.match_info["id"])})),
            web.get("/ledger", _ledger(state)),
            web.get("/summary", _telling(lambda _: ledger.summary(state))),
            web.get("/calls", _telling(lambda call: {"calls": state.book.latest(**_query(call, last=int))})),
            web.post("/reset", _telling(lambda _: state.reset())),
        ]
    )
    return app


def _taking(kind: type[Body], act: Callable[[Body], object]) -> Handler:
    """A handler that does something with the request's body, and replies with what that tells."""
    model = TypeAdapter(kind)

    async def handle(request: web.Request) -> web.Response:
        return web.json_response(act(model.validate_json(await request.read())) or {})

    return handle


def _telling(act: Callable[[web.Request], object]) -> Handler:
    """A handler of requests without a body."""

    async def handle(request: web.Request) -> web.Response:
        return web.json_response(act(request) or {})

    return handle


def _ledger(state: State) -> Handler:
    """The ledger is written in pieces, so that pulls go on meanwhile."""

    async def handle(request: web.Request) -> web.StreamResponse:
        names = _query(request, platform=str, group=str, shop_id=str)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        lead = b'{"messages":['
        for rows in ledger.chunks(state, **names):
            await response.write(lead + json.dumps(rows, separators=(",", ":")).encode()[1:-1])
            lead = b","
        await response.write(b"]}" if lead == b"," else lead + b"]}")
        return response

    return handle


@web.middleware
async def _refuse_wrong(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ValidationError as error:
        # Not str(error): that repeats what was sent, secrets included.
        text = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}" for fault in error.errors())
        return web.json_response({"error": text}, status=400)
    except (ValueError, TypeError) as error:
        return web.json_response({"error": str(error)}, status=400)
    except web.HTTPException as error:
        return web.json_response({"error": error.reason}, status=error.status)


def _query(request: web.Request, **known: Callable[[str], Any]) -> dict[str, Any]:
    unknown = [name for name in request.query if name not in known]
    if unknown:
        raise ValueError(f"there is no parameter {unknown[0]!r} here; known: {', '.join(known)}")
    return {name: known[name](text) for name, text in request.query.items()}
