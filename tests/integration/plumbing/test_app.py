"""What the application class, the transport and the result backend add to Celery's own."""

import os
import runpy
import subprocess
import sys
from ast import literal_eval
from types import SimpleNamespace
from typing import Any

import pytest
from celery import chord
from celery.concurrency import get_implementation, prefork
from celery.result import denied_join_result
from celery.signals import celeryd_after_setup
from kombu import Connection, Exchange, Producer, Queue
from kombu.transport.redis import Channel as StockChannel
from kombu.utils.json import loads
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks import app, sending
from tasks.handle import handle
from tasks.names import WIRE
from tasks.plumbing.backend import QuietRedisBackend
from tasks.plumbing.transport.channel import Channel
from tasks.runtime import Stores
from tasks.settings import CELERYS, settings
from tests import ROOT


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


def test_a_batch_goes_into_each_queue_with_one_command_a_hundred_and_keeps_its_order(
    tidings: Stores, redis: Redis
) -> None:
    redis.config_resetstat()
    with app.batch():
        for number in range(250):
            handle.apply_async(kwargs={"delivery": {"id": str(number)}})
            if number % 5 == 0:
                sending.consume(f"shop-{number}")
    assert redis.info("commandstats")["cmdstat_lpush"]["calls"] == 4
    sent = [loads(text)["headers"]["kwargsrepr"] for text in redis.lrange("tidings:handle", 0, -1)]
    assert [literal_eval(text)["id"] for text in reversed(sent)] == [str(number) for number in range(250)]
    assert redis.llen("tidings:consume") == 50


def test_what_else_kombu_publishes_in_a_batch_is_left_as_it_is(tidings: Stores, redis: Redis) -> None:
    """Broadcasts go out, and a queue that expires is prolonged."""
    client: Any = redis
    with app.connection_for_write() as connection, client.pubsub() as watching:
        channel: Any = connection.channel()
        watching.psubscribe("*control*")
        expiring = Queue("passing", routing_key="passing", expires=60, channel=channel)
        expiring.declare()
        broadcast = Exchange("control", type="fanout", channel=channel)
        Queue("listener", broadcast, channel=channel, auto_delete=True).declare()
        producer: Any = Producer(channel)
        with producer.batch():
            for number in range(3):
                producer.publish({"n": number}, routing_key="passing", exchange="")
            producer.publish({"n": 3}, exchange=broadcast)
        assert redis.llen("tidings:passing") == 3
        assert 0 < redis.ttl("tidings:passing") <= 60
        assert any((watching.get_message(timeout=2) or {}).get("type") == "pmessage" for _ in range(3))


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


def test_stock_is_celerys_own_transport_and_pool_and_a_request_that_shows_no_content(
    tidings: Stores, valkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDINGS_STOCK", "1")
    settings.cache_clear()
    pool = runpy.run_path(str(ROOT / "celeryconfig.py"))["worker_pool"]
    assert get_implementation(pool) is prefork.TaskPool
    worker = SimpleNamespace(pool_cls=prefork.TaskPool, app=app)
    celeryd_after_setup.send(sender="worker", instance=worker, conf=SimpleNamespace())
    assert {task.Request for task in app.tasks.values()} == {"tasks.plumbing.request:DiscreetRequest"}
    with app.amqp.Connection(valkey) as connection:
        assert type(connection.channel()) is StockChannel


def test_stock_works_where_our_transport_and_pool_cannot_even_be_loaded(tidings: Stores) -> None:
    code = """
import sys
sys.modules.update({"tasks.plumbing.transport": None, "tasks.plumbing.pool": None})  # as if kombu had changed
from tasks import app, sending
app.loader.import_default_modules()
sending.consume("shop")
"""
    env = {**os.environ, "TIDINGS_STOCK": "1"}
    subprocess.run([sys.executable, "-c", code], env=env, timeout=60, check=True)
    refused = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "tasks.plumbing.transport" in refused.stderr, "which is what the other way uses"


@pytest.mark.parametrize(("pool", "ahead"), [("solo", False), ("prefork", True), ("threads", True)])
def test_a_pool_that_runs_tasks_where_messages_arrive_takes_none_ahead(valkey: str, pool: str, ahead: bool) -> None:
    conf = SimpleNamespace(broker_transport_options={"priority_steps": [0]})
    worker = SimpleNamespace(pool_cls=get_implementation(pool), app=app)
    celeryd_after_setup.send(sender="worker", instance=worker, conf=conf)
    with app.amqp.Connection(valkey, transport_options=conf.broker_transport_options) as connection:
        channel: Any = connection.channel()
        assert channel.ahead is ahead
        assert channel.priority_steps == [0]
    for name, task in app.tasks.items():
        assert task.Request == f"tasks.plumbing.request:{'WireRequest' if name in WIRE else 'PlainRequest'}"


def test_tasks_are_published_on_the_steady_transport_as_well(tidings: Stores, valkey: str) -> None:
    with app.producer_pool.acquire(block=True) as producer:
        assert isinstance(producer.channel, Channel)
    pool: Any = app.pool
    with pool.acquire(block=True) as connection:
        assert isinstance(connection.default_channel, Channel)


def test_addresses_that_the_environment_has_for_other_applications_of_celery_are_not_ours(valkey: str) -> None:
    theirs = dict.fromkeys(CELERYS, "amqp://theirs") | {"CELERY_LOADER": "theirs"}
    code = (
        "from tasks import app; from celery import Celery; conf = app.conf; "
        "print(conf.broker_url, conf.broker_read_url, app.connection_for_write().hostname, app.connection_for_read().port, "
        "type(app.backend).__name__, Celery('theirs', loader='app').conf.broker_url)"
    )
    environment = {**os.environ, **theirs, "TIDINGS_REDIS_URL": valkey}
    said = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    port = valkey.rpartition(":")[2].partition("/")[0]
    assert said.stdout.split() == [valkey, valkey, "127.0.0.1", port, "QuietRedisBackend", "amqp://theirs"]


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
    assert (made.__module__, made.__name__) == ("tasks.plumbing.transport", name)
    assert app.amqp.Connection("amqp://h").get_transport_cls().__module__ == "tasks.plumbing.transport.rabbit"
    assert app.amqp.Connection("memory://").get_transport_cls().__module__ == "kombu.transport.memory"
