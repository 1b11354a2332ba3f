"""A platform's request out of an HTTP request: query and body in one, whatever the body's form."""

import json
from collections import Counter
from collections.abc import Iterable
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.http import HttpProcessingError

from tasks.sandbox.memory.exchange import Call

Pairs = list[tuple[str, str]]


async def read_call(request: web.Request, now: float) -> Call:
    """The call, with `now` as the time of its arrival. A name in both query and body has the query's value."""
    query = parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True, errors="replace")
    pairs = await _body_pairs(request) + query
    params = dict(pairs)
    repeated = frozenset[str]() if len(params) == len(pairs) else _repeated(name for name, _ in pairs)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return Call(request.method, request.path, params, now, token if scheme.lower() == "bearer" else "", repeated)


async def _body_pairs(request: web.Request) -> Pairs:
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


def _repeated(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name for name, times in Counter(names).items() if times > 1)
