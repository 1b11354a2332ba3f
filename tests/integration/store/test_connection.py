"""How often a command is tried that meets broken connections, and which connections are given up."""

from collections.abc import Callable

import pytest
from redis import Redis
from redis.exceptions import ReadOnlyError, RedisError

from tasks.address import parse
from tasks.store.connection import TRIES, made
from tests.integration.ending import Ending


def test_where_connections_are_taken_and_ended_a_command_connects_no_more_often_than_it_is_tried() -> None:
    """With TLS each costs a handshake, and the pauses between them add up to seconds a command."""
    with Ending(1_000) as port:
        with made(parse(port.url)) as redis, pytest.raises(RedisError):
            redis.get("tidings:anything")
        assert port.taken == TRIES + 1


def test_a_command_is_done_if_the_last_try_meets_a_redis_that_is_back() -> None:
    with Ending(TRIES) as port, made(parse(port.url)) as redis:
        assert redis.ping()
        assert port.taken == TRIES + 1


@pytest.mark.parametrize(
    "write",
    [
        lambda client: client.set("tidings:a", ""),
        lambda client: client.eval("return redis.call('SET', KEYS[1], '')", 1, "tidings:a"),
        lambda client: client.pipeline().set("tidings:a", "").get("tidings:a").execute(),
    ],
    ids=["a command", "a script", "a transaction"],
)
def test_a_connection_to_what_has_become_a_replica_is_given_up(
    valkey: str, redis: Redis, write: Callable[[Redis], object]
) -> None:
    """The address may lead to the new primary by now: the old one goes on refusing whatever is written over that connection."""
    with made(parse(valkey)) as client:
        before = client.client_id()
        redis.replicaof("127.0.0.1", "1")
        try:
            with pytest.raises(ReadOnlyError):
                write(client)
        finally:
            redis.replicaof("NO", "ONE")
        assert write(client)
        assert client.client_id() != before
