"""`check` names what the user of a Redis may not do, and why a Redis does not do what is asked."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any
from urllib.parse import quote

import pytest
from celery import Celery
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.retry import Retry

from tasks import runtime, settings
from tasks.commands.check.redis import redis_findings
from tasks.commands.check.setup import broker_findings
from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import Embedded, binary
from tasks.store import connection
from tasks.store.refusals import refusal
from tests import ROOT
from tests.ports import free_port

PASSWORD = "hunter2/#@"
CACHES = settings.settings, connection.connect, runtime.stores
Look = Callable[..., list[str]]


def least() -> list[str]:
    """The rules of the line in the docs, behind the password."""
    found = re.search(r"^ACL SETUSER tidings on >PASSWORD (.+)$", (ROOT / "docs/redis.md").read_text(), re.MULTILINE)
    assert found
    return found[1].split()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """One that tests may spoil: each puts right what it changed."""
    with Processes() as processes:
        valkey = Embedded(tmp_path_factory.mktemp("valkey"), free_port())
        valkey.start(processes)
        valkey.wait(processes, Stopping())
        yield valkey


@pytest.fixture
def root(server: Embedded) -> Iterator[Any]:
    with Redis(port=server.port, decode_responses=True) as client:
        yield client


@pytest.fixture
def look(server: Embedded, root: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Look]:
    """What `check` says of the Redis for a user with these rules, who logs in so."""

    def looked(*rules: str, who: str = "", database: int = 0) -> list[str]:
        root.execute_command("ACL", "SETUSER", "tidings", "reset", "on", f">{PASSWORD}", *rules)
        who = who or f"tidings:{quote(PASSWORD, safe='')}@"
        monkeypatch.setenv("TIDINGS_REDIS_URL", f"redis://{who}127.0.0.1:{server.port}/{database}")
        for cached in CACHES:
            cached.cache_clear()
        said = [str(finding) for finding in redis_findings()]
        assert "hunter2" not in "".join(said)
        assert not root.keys("tidings:check*")
        return said

    yield looked
    for cached in CACHES:
        cached.cache_clear()


def test_the_least_rights_in_the_docs_are_enough(look: Look) -> None:
    said = look(*least())
    assert not [line for line in said if line.startswith("FAIL") or "rights" in line], said
    assert "OK    redis     its user may do what workers do" in said


def test_without_info_it_answers_and_says_what_it_cannot_tell(look: Look) -> None:
    said = look(*least(), "-info")
    assert not [line for line in said if line.startswith("FAIL")], said
    assert any("NOTE  redis     its user lacks rights that are of use: +info: " in line for line in said)
    assert any("ACL SETUSER tidings +info" in line for line in said)


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        (
            ["resetchannels", "&tidings:*"],
            "&tidings:/0.celery.pidbox &tidings:/0.celeryev/* &tidings:/0.celeryev/worker.*",
        ),
        (["resetchannels"], "&tidings:* &tidings:/0.celery.pidbox"),
        (["resetkeys", "~other:*"], "~tidings:*"),
        (["-brpop"], "+brpop"),
        (["-evalsha", "-script"], "+evalsha +script|load +script|exists"),
        (["-multi"], "+multi"),
        (["-watch", "-set"], "+watch +set"),
        (["-psubscribe"], "+psubscribe"),
        (["-zmscore", "-time", "-hvals"], "+time +hvals +zmscore"),
    ],
)
def test_what_workers_need_and_may_not_do_is_named_with_the_rule_to_add(
    look: Look, rules: list[str], named: str
) -> None:
    said = look(*least(), *rules)
    failed = [line for line in said if line.startswith("FAIL")]
    assert len(failed) == 1
    assert f"rights that workers need: {named}" in failed[0]
    assert f"ACL SETUSER tidings {named}" in failed[0]


def test_a_broker_that_refuses_is_told_of_once_with_what_to_do(
    look: Look, root: Any, valkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one that is the state's too, `redis` has told."""
    look(*least(), "-brpop")
    address = os.environ["TIDINGS_REDIS_URL"]
    broker = Celery(broker=address)
    assert [str(each)[:4] for each in broker_findings(broker)] == ["OK  "]
    monkeypatch.setenv("TIDINGS_BROKER_URL", address)
    monkeypatch.setenv("TIDINGS_REDIS_URL", valkey)
    settings.settings.cache_clear()
    fine, failed = (str(each) for each in broker_findings(broker))
    assert fine.startswith("OK ")
    assert "rights that workers need: +brpop\n" in failed
    root.execute_command("ACL", "SETUSER", "tidings", "+brpop")
    root.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        (failed,) = (str(each) for each in broker_findings(broker))
    finally:
        root.execute_command("REPLICAOF", "NO", "ONE")
    assert "is a read-only replica\n" in failed
    assert "the primary's address" in failed


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (
            ["--rename-command", "EVALSHA", "", "--rename-command", "BRPOP", "gone"],
            "it does not know commands that workers need: EVALSHA BRPOP\n",
        ),
        (["--cluster-enabled", "yes"], "is a Redis Cluster, which Celery cannot use\n"),
    ],
)
def test_a_server_that_cannot_do_what_workers_need_is_told_of_as_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], named: str
) -> None:
    port = free_port()
    with Popen([binary(), "--port", str(port), "--dir", tmp_path, *options], stdout=DEVNULL) as server:
        try:
            with Redis(port=port, retry=Retry(ConstantBackoff(0.1), 100)) as client:
                client.ping()
            monkeypatch.setenv("TIDINGS_REDIS_URL", f"redis://127.0.0.1:{port}/0")
            for cached in CACHES:
                cached.cache_clear()
            failed = [str(each) for each in redis_findings() if each.level == "FAIL"]
        finally:
            server.kill()
            for cached in CACHES:
                cached.cache_clear()
    assert len(failed) == 1
    assert named in failed[0]


@pytest.mark.parametrize("who", ["tidings:wrong@", "nobody:wrong@", "nobody@", ":wrong@"])
def test_a_wrong_user_or_password_is_named(look: Look, root: Any, who: str) -> None:
    root.execute_command("ACL", "SETUSER", "default", "resetpass", ">other")
    root.execute_command("AUTH", "other")
    try:
        (failed,) = look(*least(), who=who)
    finally:
        root.execute_command("ACL", "SETUSER", "default", "nopass")
    assert "refuses the user or the password\n" in failed


def test_a_password_that_is_wanted_is_named(look: Look, root: Any) -> None:
    root.execute_command("ACL", "SETUSER", "default", "resetpass", ">other")
    try:
        (failed,) = look(who="@")
    finally:
        root.execute_command("ACL", "SETUSER", "default", "nopass")
    assert "wants a password" in failed


def test_a_replica_a_full_redis_and_a_missing_database_are_named(look: Look, root: Any) -> None:
    root.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        (failed,) = look(*least())
        assert "/0 is a read-only replica\n" in failed
    finally:
        root.execute_command("REPLICAOF", "NO", "ONE")
    root.config_set("maxmemory", "1")
    try:
        assert any("reached its maxmemory" in line for line in look(*least()) if line.startswith("FAIL"))
    finally:
        root.config_set("maxmemory", "0")
    assert any("has no database of that number" in line for line in look(*least(), database=4711))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ResponseError("DENIED Redis is running in protected mode because\nno password is set for"),
            "is in protected mode",
        ),
        (
            ResponseError("MISCONF Errors writing to the AOF file: No space left on device"),
            "cannot write its data to disk",
        ),
        (
            RedisConnectionError("Error 111 connecting to redis://:hunter2@h"),
            "does not answer: Error 111 connecting to redis://***",
        ),
    ],
)
def test_why_a_redis_refuses_is_one_line(error: Exception, said: str) -> None:
    told = refusal(error, "start it").text
    assert told.startswith(said)
    assert len(told.splitlines()) == 1
    assert "hunter2" not in told
