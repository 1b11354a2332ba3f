"""A Redis that cannot save answers everything with its refusal, even a PING: the worker tries again instead of ending."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from kombu import Consumer, Exchange, Queue
from kombu.asynchronous import Hub
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from tasks.commands.processes import Processes
from tasks.commands.processes.valkey import binary
from tasks.plumbing.transport import SteadyConnection
from tests.integration.plumbing.transport.receiver import Receiver, options
from tests.ports import free_port


@pytest.fixture
def unable(tmp_path: Path) -> Iterator[Redis]:
    """A server whose folder can be taken away."""
    folder, port = tmp_path / "data", free_port()
    folder.mkdir()
    with Processes() as processes:
        words = [str(binary()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "3600 1"]
        processes.start("valkey", words, log=tmp_path / "valkey.log", base=True)
        with Redis(port=port, decode_responses=True) as redis:
            until(redis.ping)
            yield redis
        processes.kill("valkey")


def lose_disk(redis: Redis) -> None:
    """Its folder goes, and it notices that it cannot save."""
    shutil.rmtree(str(redis.config_get("dir")["dir"]))
    redis.bgsave()
    until(lambda: redis.info("persistence")["rdb_last_bgsave_status"] == "err")


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(RedisError):
            if condition():
                return
        time.sleep(0.02)
    pytest.fail("not in time")


def test_a_refused_ping_on_the_connection_for_remote_control_counts_as_a_lost_one(unable: Redis) -> None:
    port = unable.connection_pool.connection_kwargs["port"]
    made = Receiver(f"redis://127.0.0.1:{port}/0", "t:")
    everywhere = Queue("mine", exchange=Exchange("everywhere", type="fanout"), channel=made.channel)
    Consumer(made.channel, [everywhere], accept=["json"]).consume()
    assert made.turn(lambda: made.channel._in_listen)
    lose_disk(unable)
    with pytest.raises(ResponseError, match="MISCONF"):
        unable.ping()
    made.channel.subclient.ping()  # as it is asked for a sign of life every some seconds
    with pytest.raises(made.connection.connection_errors, match="MISCONF"):
        made.turn(lambda: False, 5)
    assert not made.channel._in_listen
    made.close()


def test_one_that_lacks_replicas_when_a_worker_connects_counts_as_a_lost_one(unable: Redis) -> None:
    unable.config_set("min-replicas-to-write", 1)
    port = unable.connection_pool.connection_kwargs["port"]
    connection: Any = SteadyConnection(f"redis://127.0.0.1:{port}/0", transport_options=options("t:", 60))
    connection.connect()
    with pytest.raises(connection.connection_errors, match="NOREPLICAS"):
        connection.transport.register_with_event_loop(connection.connection, Hub())
    connection.release()


def test_what_is_looked_for_every_some_seconds_is_left_for_the_next_time(unable: Redis) -> None:
    port = unable.connection_pool.connection_kwargs["port"]
    made = Receiver(f"redis://127.0.0.1:{port}/0", "t:")
    assert made.turn(lambda: made.channel.active_queues)
    unable.config_set("min-replicas-to-write", 1)
    made.channel.qos._vrestore_count = 0  # this is the turn in which it looks
    made.channel.connection.cycle.maybe_restore_messages()
    unable.config_set("min-replicas-to-write", 0)
    made.close()
