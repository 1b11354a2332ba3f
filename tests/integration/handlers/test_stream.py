"""`handlers.stream` on a real Valkey: what stands there, and one that is full, away or wrong."""

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import certifi
import pytest
from redis import Redis

from handlers import HandlersError, Message, Retry
from handlers.registry import registry
from tests.conftest import PORT
from tests.ports import free_port

Make = Callable[..., ModuleType]
KEY = "tidings-messages"


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """The module as a worker with these variables has it, in a registry of its own."""
    monkeypatch.setattr(registry, "_handlers", {})
    monkeypatch.setattr(registry, "_found", {})

    def made(**told: str) -> ModuleType:
        for name, value in {"URL": f"redis://127.0.0.1:{PORT}/0", **told}.items():
            monkeypatch.setenv(f"TIDINGS_STREAM_{name}", value)
        sys.modules.pop("handlers.stream", None)
        return importlib.import_module("handlers.stream")

    yield made
    sys.modules.pop("handlers.stream", None)


def message(id_: str = "1", content: str = '{"nick": "BUYER"}') -> Message:
    return Message(id_, "t", "shop", "taobao", content, identity=f"app-{id_}", user_nick="雨")


def entries(redis: Any) -> list[dict[str, str]]:
    """What stands in the stream."""
    return [entry for _, entry in redis.xrange(KEY)]


def test_an_entry_has_the_members_and_the_key_that_is_the_same_at_each_try(make: Make, redis: Redis) -> None:
    stream = make()
    stream.append(message())
    stream.append(message())
    first, second = entries(redis)
    assert first == second
    assert first == {
        "key": "taobao-app-1",
        "type": "t",
        "timestamp": "",
        "id": "1",
        "platform": "taobao",
        "account": "shop",
        "user_id": "",
        "user_nick": "雨",
        "deliveries": "1",
        "content": '{"nick": "BUYER"}',
    }


def test_about_so_many_are_kept(make: Make, redis: Redis) -> None:
    stream = make(MAXLEN="50", KEY="mine")
    for number in range(500):
        stream.append(message(str(number)))
    assert 50 <= int(redis.xlen("mine")) <= 250


def test_odd_characters_are_no_reason_to_fail(make: Make, valkey: str) -> None:
    make().append(message(content="\ud800\0\n"))
    raw: Any
    with Redis.from_url(valkey) as raw:
        assert raw.xrange(KEY)[0][1][b"content"] == b"\xed\xa0\x80\0\n"


def test_a_connection_to_what_has_become_a_replica_is_given_up(make: Make, redis: Redis) -> None:
    """The address may lead to the new primary by now."""
    stream = make()
    before = stream._redis.client_id()
    redis.replicaof("127.0.0.1", "1")
    try:
        with pytest.raises(Retry, match="did not take it: ReadOnlyError"):
            stream.append(message())
    finally:
        redis.replicaof("NO", "ONE")
    stream.append(message())
    assert stream._redis.client_id() != before


def test_a_redis_that_is_full_is_tried_again_and_takes_it_later(make: Make, redis: Redis) -> None:
    stream = make()
    redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(Retry, match="did not take it: OutOfMemoryError") as caught:
            stream.append(message())
    finally:
        redis.config_set("maxmemory", "0")
    assert caught.value.__suppress_context__
    stream.append(message())
    assert redis.xlen(KEY) == 1


def test_a_redis_that_is_away_or_holds_something_else_there_is_tried_again(make: Make, redis: Redis) -> None:
    with pytest.raises(Retry, match="ConnectionError") as caught:
        make(URL=f"redis://me:hunter2@127.0.0.1:{free_port()}/0").append(message())
    assert "hunter2" not in str(caught.value)
    redis.set(KEY, "1")
    with pytest.raises(Retry, match="did not take it"):
        make().append(message())


def test_a_forked_process_has_connections_of_its_own(make: Make, redis: Redis) -> None:
    stream = make()
    stream.append(message("parent"))
    if (child := os.fork()) == 0:
        try:
            for number in range(50):
                stream.append(message(f"child-{number}"))
        finally:
            os._exit(0)
    for number in range(50):
        stream.append(message(f"{number}"))
    os.waitpid(child, 0)
    ids = [entry["id"] for entry in entries(redis)]
    assert sorted(ids) == sorted(["parent", *(f"child-{n}" for n in range(50)), *(str(n) for n in range(50))])


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"URL": ""}, "TIDINGS_STREAM_URL is not set: write redis://"),
        ({"URL": "http://me:hunter2@host/"}, "TIDINGS_STREAM_URL: write redis://"),
        ({"URL": "redis://me:hunter2@host:port/"}, "TIDINGS_STREAM_URL: write redis://"),
        ({"MAXLEN": "many"}, "TIDINGS_STREAM_MAXLEN: write a whole number"),
        ({"NAME": "x"}, "TIDINGS_STREAM_NAME is no setting"),
        ({"TOPICS": "a b"}, "TIDINGS_STREAM_TOPICS: .* write topics and patterns between commas"),
        (
            {"URL": "redis://h/?colour=hunter2"},
            "TIDINGS_STREAM_URL: it has a parameter that redis-py does not take: write",
        ),
        ({"URL": "redis://h/?ssl=true"}, "TIDINGS_STREAM_URL: it has a parameter that redis-py does not take: write"),
        (
            {"URL": "redis://h/?ssl_ca_certs=x"},
            "TIDINGS_STREAM_URL: it has a parameter that redis-py does not take: write",
        ),
        (
            {"URL": "rediss://h/?ssl_cert_reqs=x"},
            "TIDINGS_STREAM_URL: it has a parameter that redis-py does not take: write",
        ),
        ({"URL": "redis://h/?connection_class=x"}, "TIDINGS_STREAM_URL: it has a parameter that redis-py does not"),
        (
            {"URL": "redis://:hunter2@h/shop"},
            "TIDINGS_STREAM_URL: what stands behind its host is no number of a database",
        ),
        (
            {"URL": "redis://:hunter2@h/-1"},
            "TIDINGS_STREAM_URL: what stands behind its host is no number of a database",
        ),
        ({"URL": "redis://h/?db=hunter2"}, "TIDINGS_STREAM_URL: db has to be the number of a database"),
        ({"URL": "redis://h/?db=-1"}, "TIDINGS_STREAM_URL: db has to be the number of a database"),
        ({"URL": "redis://h/?max_connections=x"}, "TIDINGS_STREAM_URL: max_connections has to be a number"),
        ({"URL": "redis://h/?retry=3"}, "TIDINGS_STREAM_URL: retry is nothing that an address can say: leave it out"),
        ({"URL": "redis://h/?credential_provider=hunter2"}, "TIDINGS_STREAM_URL: credential_provider is nothing that"),
        (
            {"URL": "redis://h/?maint_notifications_config=x"},
            "TIDINGS_STREAM_URL: maint_notifications_config is nothing",
        ),
        ({"URL": "redis://h/?socket_timeout=soon"}, "TIDINGS_STREAM_URL: socket_timeout has to be a number of seconds"),
        ({"URL": "redis://h/?socket_timeout=0"}, "TIDINGS_STREAM_URL: socket_timeout has to be a number of seconds"),
        ({"URL": "redis://h/?socket_connect_timeout=nan"}, "socket_connect_timeout has to be a number of seconds"),
        ({"URL": "redis://h/?socket_read_size=-1"}, "TIDINGS_STREAM_URL: socket_read_size has to be a whole number"),
        ({"URL": f"redis://h/?socket_read_size={9**30}"}, "TIDINGS_STREAM_URL: socket_read_size has to be a whole"),
        ({"URL": f"rediss://h/?ssl_min_version={9**30}"}, "TIDINGS_STREAM_URL: ssl_min_version cannot be used for TLS"),
        ({"URL": "redis://h/?client_name=a%20hunter2"}, "TIDINGS_STREAM_URL: client_name has to be a name without"),
        (
            {"URL": "redis://h/?encoding_errors=hunter2"},
            "TIDINGS_STREAM_URL: encoding_errors has to be one of Python's",
        ),
        ({"URL": "redis://h/?port=hunter2"}, "TIDINGS_STREAM_URL: port has to be a number"),
        ({"URL": "redis://hunter2..x/0"}, "TIDINGS_STREAM_URL: host has to be a name or an address"),
        ({"URL": "unix://"}, "TIDINGS_STREAM_URL: path has to be that of a socket"),
        ({"URL": "unix:///tmp"}, "TIDINGS_STREAM_URL: path has to be that of a socket"),
        ({"URL": "redis://:hunter2\udcff@h/0"}, "TIDINGS_STREAM_URL is not written in UTF-8"),
        ({"KEY": "hunter2\udcff"}, "TIDINGS_STREAM_KEY is not written in UTF-8"),
        (
            {"URL": "rediss://h/?ssl_ciphers=hunter2"},
            "TIDINGS_STREAM_URL: ssl_ciphers cannot be used for TLS: correct it",
        ),
        ({"URL": "rediss://h/?ssl_min_version=7"}, "TIDINGS_STREAM_URL: ssl_min_version cannot be used for TLS"),
        ({"URL": f"rediss://h/?ssl_ca_certs={__file__}"}, "TIDINGS_STREAM_URL: ssl_ca_certs cannot be used for TLS"),
        ({"URL": f"rediss://h/?ssl_certfile={__file__}"}, "TIDINGS_STREAM_URL: ssl_certfile cannot be used for TLS"),
        ({"URL": f"rediss://h/?ssl_keyfile={__file__}"}, "TIDINGS_STREAM_URL: ssl_keyfile cannot be used for TLS"),
        ({"URL": "rediss://h/?ssl_ca_certs=hunter2"}, "TIDINGS_STREAM_URL: there is no such file as ssl_ca_certs says"),
        ({"URL": "rediss://h/?ssl_ca_path=hunter2"}, "TIDINGS_STREAM_URL: there is no such folder as ssl_ca_path says"),
    ],
)
def test_wrong_settings_are_errors_that_say_what_to_write(make: Make, told: dict[str, str], said: str) -> None:
    with pytest.raises(HandlersError, match=said) as caught:
        make(**told)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "query",
    [
        "client_name=shop&socket_timeout=2.5&socket_connect_timeout=1&socket_keepalive=1&health_check_interval=5",
        "retry_on_timeout=1&max_connections=7&protocol=3&socket_read_size=4096&encoding_errors=replace",
    ],
)
def test_what_redis_py_takes_is_taken(make: Make, redis: Redis, query: str) -> None:
    make(URL=f"redis://127.0.0.1:{PORT}?db=0&{query}").append(message())
    make(URL=f"redis:///0?host=127.0.0.1&port={PORT}&{query}").append(message())
    assert redis.xlen(KEY) == 2


def test_tls_users_ipv6_and_unix_sockets_are_taken_while_nobody_answers(make: Make) -> None:
    for url in ("rediss://u:p%40@[::1]/0?ssl_min_version=771&ssl_ciphers=HIGH", "unix://u:p%40@/no/such.sock?db=1"):
        with pytest.raises(Retry, match="ConnectionError"):
            make(URL=url).append(message())


def test_certificates_are_found_from_where_the_process_began(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(certifi.where(), tmp_path / "ca.pem")
    made = make(URL="rediss://h/?ssl_ca_certs=ca.pem&ssl_ca_path=.")
    monkeypatch.chdir("/")
    connection = made._redis.connection_pool.make_connection()
    assert (connection.ca_certs, connection.ca_path) == (str(tmp_path / "ca.pem"), str(tmp_path))


def test_topics_are_chosen(make: Make) -> None:
    make(TOPICS="taobao_*")
    handler = registry.find("taobao_x")
    assert handler is not None
    assert handler.function.__name__ == "append"
    assert registry.find("qianmi_x") is None
