"""What the application class, the transport and the result backend add to Celery's own."""

from typing import Any

import pytest
from celery import chord
from celery.result import denied_join_result
from kombu import Connection
from kombu.transport.redis import Channel as StockChannel
from kombu.utils.json import loads
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks import app, sending
from tasks.backend import QuietRedisBackend
from tasks.handle import handle
from tasks.runtime import Stores
from tasks.transport import Channel


def test_a_batch_goes_out_together_when_its_block_ends(tidings: Stores, redis: Redis) -> None:
    with app.batch():
        for number in range(100):
            sending.consume(f"shop-{number}")
        assert redis.llen("tidings:consume") == 0
    assert redis.llen("tidings:consume") == 100


def test_a_batch_that_raises_sends_nothing(tidings: Stores, redis: Redis) -> None:
    def broken() -> None:
        with app.batch():
            sending.consume("shop")
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert redis.llen("tidings:consume") == 0


def test_a_chord_inside_a_batch_takes_one_round_trip_for_its_header(tidings: Stores, redis: Redis) -> None:
    header = [handle.s(delivery={"id": str(number)}) for number in range(100)]
    before = redis.info("stats")["total_reads_processed"]
    with denied_join_result(), app.batch():  # as in a worker
        chord(header)(handle.s(delivery={}))
    assert redis.info("stats")["total_reads_processed"] - before < 60, "without a batch it takes more than one a task"
    assert redis.llen("tidings:handle") == 100


def test_the_broker_s_client_is_made_once(tidings: Stores, valkey: str) -> None:
    with app.connection_for_write() as connection:
        channel = connection.channel()
        assert isinstance(channel, Channel)
        assert channel._create_client() is channel._create_client()


def test_a_lost_connection_is_a_connection_error(tidings: Stores, valkey: str) -> None:
    with app.connection_for_write() as connection:
        channel: Any = connection.channel()
        channel.connection = None
        with pytest.raises(RedisConnectionError):
            channel._create_client()


def test_the_result_backend_is_the_quiet_one(tidings: Stores) -> None:
    assert isinstance(app.backend, QuietRedisBackend)


def test_a_task_shows_account_topic_and_id_and_nothing_else(tidings: Stores, redis: Redis) -> None:
    delivery = {"account": "shop", "topic": "t\x1b[2J", "id": "1" * 200, "content": "BUYER", "user_nick": "BUYER"}
    handle.apply_async(kwargs={"delivery": delivery})
    headers = loads(redis.lrange("tidings:handle", 0, -1)[0])["headers"]
    assert headers["argsrepr"] == "()"
    assert headers["kwargsrepr"].startswith("{'account': 'shop', 'topic': 't\\\\x1b[2J', 'id': '111")
    assert "BUYER" not in headers["kwargsrepr"]
    assert len(headers["kwargsrepr"]) < 250


def test_what_a_chord_leaves_that_never_ends_goes_within_the_hour(tidings: Stores, redis: Redis) -> None:
    with denied_join_result():
        chord([handle.s(delivery={"id": "1"})])(handle.s(delivery={}))
    left = list(redis.scan_iter("tidings:celery-taskset-meta-*"))
    assert left
    assert all(0 < redis.ttl(key) <= 3600 for key in left)


def test_other_applications_keep_their_own_transport(tidings: Stores, valkey: str) -> None:
    with Connection(valkey) as connection:
        assert type(connection.channel()) is StockChannel


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://h", "Transport"),
        ("rediss://h?ssl_cert_reqs=none", "Transport"),
        ("redis+socket:///s", "Transport"),
        ("sentinel://a;sentinel://b", "SentinelTransport"),
    ],
)
def test_every_way_of_writing_redis_gets_the_steady_transport(tidings: Stores, url: str, name: str) -> None:
    made = app.amqp.Connection(url).get_transport_cls()
    assert (made.__module__, made.__name__) == ("tasks.transport", name)
    assert app.amqp.Connection("amqp://h").get_transport_cls().__module__ == "kombu.transport.pyamqp"
