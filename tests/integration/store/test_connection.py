"""How often a command is tried that meets broken connections."""

import pytest
from redis.exceptions import RedisError

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
