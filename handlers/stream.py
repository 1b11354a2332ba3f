"""Appends every message to a Redis stream, for back ends that read one (`XREADGROUP`).

    TIDINGS_HANDLERS=handlers.stream
    TIDINGS_STREAM_URL=redis://streams.internal:6379/0      # not Tidings' own Redis, as memory that runs out there stops it
    TIDINGS_STREAM_KEY=tidings-messages
    TIDINGS_STREAM_MAXLEN=1000000                           # about so many entries are kept; all, unless told
    TIDINGS_STREAM_TOPICS=taobao_trade_*,qianmi_*           # all, unless told; an exact topic of your own wins

An entry has the members of the webhook's `data`, `type` and `timestamp`, each a text, and `key`, the same at each try: after a
lost reply a message may stand twice. A Redis that is away, or full, or refuses, is tried again.
"""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis import Redis
from redis.connection import parse_url
from redis.exceptions import RedisError

from handlers import tls
from handlers.errors import HandlersError
from handlers.event import fields
from handlers.message import Message, Retry
from handlers.posting.environment import Environment
from handlers.posting.redis_url import faults, unread
from handlers.registry import handles

PREFIX = "TIDINGS_STREAM_"
SECONDS = 4
"""A Redis that says nothing for so long is treated as gone."""

WRITE = "write redis://host:6379/0, or rediss://… or unix:///path"
DATABASE = re.compile(r"/?|/[0-9]+")
FOLDER = "ssl_ca_path"
FILES = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", FOLDER})


def utf8(name: str, value: str) -> str:
    """The value of a variable. Raises `HandlersError` for what cannot be sent."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise HandlersError(f"{PREFIX}{name} is not written in UTF-8: write it anew") from None
    return value


_told = Environment(os.environ, PREFIX, ("URL", "KEY", "MAXLEN", "TOPICS"))
_key = utf8("KEY", _told.text("KEY", "tidings-messages"))
_most = _told.whole("MAXLEN", 1) if _told.text("MAXLEN") else None


def client() -> "Redis":
    """A client on its own pool, which begins anew in a process that is forked. Raises `HandlersError` for a wrong address."""
    url = utf8("URL", _told.secret("URL", "write redis://host:6379/0, or rediss://…"))
    try:
        said: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
        refuse(url, said)
        made = Redis.from_url(url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, health_check_interval=25)
        pool = made.connection_pool
        pool.connection_kwargs.update({name: said[name] for name in FILES & pool.connection_kwargs.keys()})
    except (ValueError, TypeError, OverflowError, RedisError) as error:
        raise HandlersError(f"{PREFIX}URL: {unread(error) or WRITE}") from None
    try:
        pool.connection_class(**pool.connection_kwargs)  # it connects to nothing yet
    except (ValueError, TypeError, OverflowError, RedisError):
        raise HandlersError(f"{PREFIX}URL: it has a parameter that redis-py does not take: {WRITE}") from None
    return made


def refuse(url: str, said: dict[str, Any]) -> None:
    """Raise `HandlersError` for what redis-py passes over, or fails with later; files are found from where the process began."""
    if url.startswith("unix:"):
        said.setdefault("path", "/")
    elif not DATABASE.fullmatch(urlsplit(url).path):
        raise HandlersError(f"{PREFIX}URL: what stands behind its host is no number of a database: {WRITE}")
    for name in FILES & said.keys() if url.startswith("rediss:") else ():
        path = Path(said[name]).absolute()
        if not (path.is_dir() if name == FOLDER else path.is_file()):
            raise HandlersError(
                f"{PREFIX}URL: there is no such {'folder' if name == FOLDER else 'file'} as {name} says"
            )
        said[name] = str(path)
    wrong = [*faults(said), *(tls.faults(said) if url.startswith("rediss:") else ())]
    if wrong:
        raise HandlersError(f"{PREFIX}URL: {wrong[0]}")


_redis = client()


@handles(*_told.topics(), boxed=True)
def append(message: Message) -> None:
    """Append one message. Raises `Retry`, which tells no more of the Redis than what went wrong."""
    entry = {name: value.encode("utf-8", "surrogatepass") for name, value in fields(message).items()}
    try:
        _redis.xadd(_key, entry, maxlen=_most, approximate=True)  # type: ignore[arg-type] # bytes are among what it takes
    except (RedisError, OSError) as error:
        _redis.connection_pool.disconnect(
            inuse_connections=False
        )  # it may be a replica by now, and its address lead to another
        raise Retry(f"the stream's Redis did not take it: {type(error).__name__}") from None
