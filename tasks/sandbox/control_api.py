"""The control API under `/sandbox/`: publish, set faults and switches, read the ledger. JSON in, JSON out.

A request that is wrong gets status 400 and `{"error": ...}`, and changes nothing.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from tasks.sandbox import ledger
from tasks.sandbox.memory.apps import AppSpec
from tasks.sandbox.memory.counter import Counter
from tasks.sandbox.memory.faults import FaultSpec
from tasks.sandbox.memory.state import Publication, State
from tasks.sandbox.memory.switches import Switches

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LARGEST = 1 << 30
"""Bytes of one request: a publication of some 100,000 messages has to fit."""


class ControlApi:
    """The handlers, one for each address."""

    def __init__(self, state: State) -> None:
        self.state = state

    def application(self) -> web.Application:
        """What answers below `/sandbox`."""
        app = web.Application(middlewares=[_refuse_wrong], client_max_size=LARGEST)
        app.add_routes(
            [
                web.put("/apps", self.set_app),
                web.get("/switches", self.get_switches),
                web.put("/switches", self.set_switches),
                web.post("/messages", self.publish),
                web.post("/counters", self.set_counter),
                web.put("/faults", self.add_fault),
                web.delete("/faults", self.clear_faults),
                web.delete("/faults/{id}", self.remove_fault),
                web.get("/ledger", self.get_ledger),
                web.get("/summary", self.get_summary),
                web.get("/calls", self.get_calls),
                web.post("/reset", self.reset),
            ]
        )
        return app

    async def set_app(self, request: web.Request) -> web.Response:
        """PUT /sandbox/apps: an `AppSpec`; replies with the app's name."""
        app = self.state.set_app(AppSpec.model_validate_json(await request.read()))
        return web.json_response({"name": app.name})

    async def get_switches(self, _request: web.Request) -> web.Response:
        """GET /sandbox/switches."""
        return web.json_response(self.state.switches.model_dump())

    async def set_switches(self, request: web.Request) -> web.Response:
        """PUT /sandbox/switches: those that shall change; replies with all."""
        change = json.loads(await request.read())
        if not isinstance(change, dict):
            raise TypeError("switches have to be an object")
        self.state.switches = Switches.model_validate(_merged(self.state.switches.model_dump(), change))
        return web.json_response(self.state.switches.model_dump())

    async def publish(self, request: web.Request) -> web.Response:
        """POST /sandbox/messages: a `Publication`; replies with the ids in the same order."""
        ids = self.state.publish(Publication.model_validate_json(await request.read()))
        return web.json_response({"ids": ids})

    async def set_counter(self, request: web.Request) -> web.Response:
        """POST /sandbox/counters: a `Counter`."""
        self.state.set_counter(Counter.model_validate_json(await request.read()))
        return web.json_response({})

    async def add_fault(self, request: web.Request) -> web.Response:
        """PUT /sandbox/faults: a `FaultSpec`; replies with its id."""
        return web.json_response({"id": self.state.add_fault(FaultSpec.model_validate_json(await request.read()))})

    async def clear_faults(self, _request: web.Request) -> web.Response:
        """DELETE /sandbox/faults."""
        self.state.faults.clear()
        return web.json_response({})

    async def remove_fault(self, request: web.Request) -> web.Response:
        """DELETE /sandbox/faults/<id>; one that was used up is gone already."""
        return web.json_response({"removed": self.state.faults.remove(request.match_info["id"])})

    async def get_ledger(self, request: web.Request) -> web.StreamResponse:
        """GET /sandbox/ledger[?platform=&group=&shop_id=]: written in pieces, so that pulls go on meanwhile."""
        names = _only(request, "platform", "group", "shop_id")
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        lead = b'{"messages":['
        for rows in ledger.chunks(self.state, **names):
            await response.write(lead + json.dumps(rows, separators=(",", ":")).encode()[1:-1])
            lead = b","
        await response.write(b"]}" if lead == b"," else lead + b"]}")
        return response

    async def get_summary(self, _request: web.Request) -> web.Response:
        """GET /sandbox/summary."""
        return web.json_response(ledger.summary(self.state))

    async def get_calls(self, request: web.Request) -> web.Response:
        """GET /sandbox/calls[?last=N]: oldest first."""
        last = _only(request, "last").get("last")
        return web.json_response({"calls": self.state.book.latest(None if last is None else int(last))})

    async def reset(self, _request: web.Request) -> web.Response:
        """POST /sandbox/reset: no messages, no faults, everything as it started."""
        self.state.reset()
        return web.json_response({})


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


def _only(request: web.Request, *names: str) -> dict[str, str]:
    unknown = [name for name in request.query if name not in names]
    if unknown:
        raise ValueError(f"there is no parameter {unknown[0]!r} here; known: {', '.join(names)}")
    return dict(request.query)


def _merged(values: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    nested = {
        name: {**values[name], **value}
        for name, value in change.items()
        if isinstance(value, dict) and isinstance(values.get(name), dict)
    }
    return {**values, **change, **nested}
