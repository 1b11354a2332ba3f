"""`/healthz`, whether this process is alive, and `/readyz`, whether the installation can work. Neither asks for a password.

An outage of Redis or of the broker fails `/readyz` alone: nobody is to restart anything for it.
"""

from functools import cache

from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tasks.rules.health import Standing, standings
from tasks.settings import settings
from tasks.store.connection import Client, made
from tasks.store.presence import Presences

ANSWER_SECONDS = 2.0
"""A probe waits for a few seconds itself, and Prometheus for ten."""

FRESH = {"Cache-Control": "no-store"}


def routes() -> list[Route]:
    """Both, for GET and HEAD."""
    return [Route("/healthz", healthz), Route("/readyz", readyz)]


async def healthz(_: Request) -> Response:
    """200 while this process answers; Redis is not asked."""
    return PlainTextResponse("ok\n", headers=FRESH)


def readyz(_: Request) -> Response:
    """200 when Redis answers and a beat, a puller and handlers were seen lately and get on, else 503; each with its reasons.

    Two round trips to Redis. The body: `{"ready": bool, "redis": "" or the error, "beat": {"ready", "seen", "working",
    "faults": [text]}, "pullers": …, "handlers": …}`; without Redis nothing is known of the three.
    """
    try:
        found = standings(Presences(client()).read(), settings().handler_seconds)
    except (RedisError, OSError) as error:
        return _answer({"ready": False, "redis": f"does not answer: {type(error).__name__}"}, ready=False)
    ready = all(each.ready for each in found)
    return _answer({"ready": ready, "redis": "", **{each.role: _told(each) for each in found}}, ready=ready)


def _told(standing: Standing) -> dict[str, object]:
    return {
        "ready": standing.ready,
        "seen": standing.seen,
        "working": standing.working,
        "faults": list(standing.faults),
    }


def _answer(body: dict[str, object], *, ready: bool) -> Response:
    return JSONResponse(body, 200 if ready else 503, FRESH)


@cache
def client() -> Client:
    """A client for machines, which tries once: one that tries again and again would keep a probe waiting, and Prometheus."""
    return made(
        settings().redis,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
    )
