"""A reply of vv-tool's goes from the socket into Redis, and nothing comes between: what follows may be a SIGKILL."""

import logging
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from tasks import accounts, consume
from tasks.platforms import clocks, http, jsontext
from tasks.pulling import keeping
from tasks.runtime import Stores
from tasks.store.inbox import Inbox
from tests.integration.platforms.scripted_server import Server, reply, serving
from tests.integration.platforms.test_http import MESSAGE, cut

BODY = b'{"code":0,"data":{"msg":[' + MESSAGE + b"null]}}"


class Killed(BaseException):
    """Stands in for SIGKILL."""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(reply(BODY)) as told:
        yield told


@pytest.fixture
def shop(vshop: accounts.Account, server: Server) -> accounts.Account:
    """The vvtool account, its gateway the scripted server."""
    return vshop.model_copy(update={"gateway": vshop.gateway.model_copy(update={"url": server.url})})


def kill(*_: object, **__: object) -> None:
    raise Killed


def bodies(redis: Redis) -> list[str | None]:
    return [redis.hget(name, "body") for name in redis.keys("tidings:inbox:raw:*")]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("where", "what"),
    [(jsontext, "decode"), (clocks, "hear"), (http, "_check_status"), (http, "HttpReply"), (logging.Logger, "handle")],
)
def test_it_is_stored_before_anything_else_is_done(
    shop: accounts.Account, redis: Redis, monkeypatch: pytest.MonkeyPatch, where: Any, what: str
) -> None:
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    consume.poll(shop)  # opens the connections, and that is told of
    redis.delete(*redis.keys("tidings:*"))
    monkeypatch.setattr(where, what, kill)
    with pytest.raises(Killed):
        consume.poll(shop)
    assert bodies(redis) == [BODY.decode()]


def test_nothing_waits_between_its_last_byte_and_the_write(shop: accounts.Account, redis: Redis) -> None:
    """No call of the system, no lock, and no file but those whose work it is."""
    consume.poll(shop)
    seen: list[tuple[str, str]] = []

    def look(frame: FrameType, event: str, arg: Any) -> None:
        if event in {"call", "c_call"}:
            seen.append((Path(frame.f_code.co_filename).name, arg.__name__ if event == "c_call" else ""))

    sys.setprofile(look)
    try:
        consume.poll(shop)
    finally:
        sys.setprofile(None)
    read, write = ("receiving.py", "recv_into"), ("connection.py", "sendall")
    arrived = len(seen) - 1 - seen[::-1].index(read)
    between = seen[arrived + 1 : seen.index(write, arrived)]
    own = {
        "receiving.py",
        "unpacking.py",
        "connections.py",
        "keeping.py",
        "inbox.py",
        "keys.py",
        "clock.py",
        "<string>",
    }
    assert {file for file, _ in between} <= own | {"connection.py", "hiredis.py", "codecs.py"}
    waits = {
        "recv",
        "recv_into",
        "poll",
        "select",
        "connect",
        "send",
        "settimeout",
        "setsockopt",
        "acquire",
        "__enter__",
    }
    assert not waits & {name for _, name in between}


def test_what_came_of_a_reply_that_is_cut_is_stored(
    shop: accounts.Account, server: Server, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script = cut(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + BODY[:-3])
    monkeypatch.setattr(jsontext, "decode", kill)
    with pytest.raises(Killed):
        consume.poll(shop)
    assert bodies(redis) == [BODY[:-3].decode()]


def test_storing_is_one_command_whatever_was_forgotten(tidings: Stores, redis: Redis) -> None:
    """No PING on a connection that was idle, no script that has to be loaded first."""
    client: Any = redis
    with client.monitor() as monitor, tidings.inbox.open() as put:
        redis.script_flush()
        redis.echo("from here")
        put("shop", "b1", b"raw", 60)
        redis.echo("to here")
        heard = iter(monitor.next_command, None)
        sent = list(takewhile(lambda one: "to here" not in one["command"], heard))
    commands = [one["command"].split()[0] for one in sent if one["client_type"] != "lua"]
    assert commands[commands.index("ECHO") :] == ["ECHO", "EVAL"]


def test_a_connection_that_was_idle_is_tried_before_the_call(tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    with tidings.inbox.open() as put:
        put("shop", "b1", b"raw", 60)
    pool = tidings.inbox.redis.connection_pool
    connection = pool.get_connection()
    pool.release(connection)
    monkeypatch.setattr(connection, "next_health_check", 0)
    with tidings.inbox.open():
        assert connection.next_health_check > 0  # it was asked, and has answered


def test_a_connection_that_breaks_during_the_call_costs_nothing(shop: accounts.Account, redis: Redis) -> None:
    with keeping.ready(shop, "b1") as kept:
        assert kept
        redis.client_kill_filter(_type="normal", skipme=True)
        kept(b"raw")
    assert bodies(redis) == ["raw"]


def test_a_redis_that_is_not_there_is_found_before_the_call(
    shop: accounts.Account, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Inbox, "open", kill)
    with pytest.raises(Killed):
        consume.poll(shop)
    assert server.requests == []


@pytest.mark.parametrize("body", [b"plain", "高墣旗舰店".encode(), bytes(range(256))])
def test_both_ways_in_store_the_same(tidings: Stores, redis: Redis, body: bytes) -> None:
    with tidings.inbox.open() as put:
        put("shop", "b1", body, 60)
    tidings.inbox.keep("shop", "b2", body, 60)
    assert redis.hgetall("tidings:inbox:raw:b1") == redis.hgetall("tidings:inbox:raw:b2")
    assert redis.zcard("tidings:inbox:shop") == 2


def test_a_redis_that_takes_no_writes_is_found_before_the_call(
    shop: accounts.Account, server: Server, redis: Redis
) -> None:
    """It answers a PING; but the reply, which nobody gets twice, would be lost."""
    redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(OutOfMemoryError), keeping.ready(shop, "b1"):
            pytest.fail("the call would be made now")
        with pytest.raises(OutOfMemoryError):
            consume.poll(shop)
    finally:
        redis.config_set("maxmemory", 0)
    assert server.requests == []
