"""The one place that makes Redis clients."""

from functools import cache
from typing import Any

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from tasks import urls
from tasks.settings import settings

Client = Any
"""A `redis.Redis` whose replies are text. Its own types say bytes or text, lists or pairs, whatever was asked of it."""

SOCKET_SECONDS = 10
"""A Redis that says nothing for so long is treated as gone; a half-open connection must not hold a worker."""

CONNECT_SECONDS = 5
TRIES = 3
"""A command that meets a broken connection is sent again: pools hold connections of a Redis that has since restarted."""


@cache
def connect(url: str = "") -> Client:
    """A client on its own pool, one a process and address; without an address, the state's.

    Raises `redis.exceptions.RedisError` at its first command, not here, when nobody answers. Replies are text.
    """
    url = url or settings().redis_url
    retry = Retry(ExponentialBackoff(cap=1, base=0.05), TRIES)
    found = urls.sentinel(url)
    if found is None:
        return Redis.from_url(
            urls.with_verified_tls(url),
            decode_responses=True,
            socket_timeout=SOCKET_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_keepalive=True,
            health_check_interval=25,
            retry=retry,
        )
    sentinels = Sentinel(list(found.hosts), socket_timeout=CONNECT_SECONDS)  # type: ignore[no-untyped-call]
    return sentinels.master_for(  # type: ignore[no-untyped-call]
        found.master,
        db=found.database,
        password=found.password,
        decode_responses=True,
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        retry=retry,
    )
