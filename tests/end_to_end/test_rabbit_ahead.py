"""RabbitMQ sends ahead while tasks are quick: nothing is held behind slow ones, or when a consumer ends, and only what has
ended is acknowledged. And TLS: who is refused, and what is said of it."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import pytest
from kombu import Connection, Consumer, Queue
from kombu.asynchronous import Hub

from tasks.address import amqp
from tasks.commands.processes import Processes
from tasks.commands.processes.valkey import free_port
from tasks.plumbing.transport import SteadyConnection, prefetch
from tasks.plumbing.transport.certificates import TlsRefused
from tests.bench.throughput.rabbit import Rabbit, program
from tests.end_to_end.certificates import Authority
from tests.end_to_end.installation import Installation
from tests.turning import turn

pytestmark = pytest.mark.skipif(program() is None, reason="rabbitmq-server is not on this machine (Debian package)")

PLACES = 4
QUICK = 60


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.new(tmp_path_factory.mktemp("authority") / "ca")


@pytest.fixture(scope="module")
def client(authority: Authority) -> str:
    """Parameters of the address that name a client certificate."""
    certificate, key = authority.sign("client", "DNS:worker")
    return f"&ssl_certfile={certificate}&ssl_keyfile={key}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Rabbit]:
    """A RabbitMQ of these tests' own; its TLS port wants a client certificate, and is `localhost`."""
    certificate, key = authority.sign("server", "DNS:localhost")
    tls = {
        "listeners.ssl.default": f"127.0.0.1:{free_port()}",
        "ssl_options.cacertfile": authority.certificate,
        "ssl_options.certfile": certificate,
        "ssl_options.keyfile": key,
        "ssl_options.verify": "verify_peer",
        "ssl_options.fail_if_no_peer_cert": "true",
    }
    made = Rabbit.new(tmp_path_factory.mktemp("rabbit") / "node", tls)
    try:
        with Processes() as processes:
            made.start(processes)
            yield made
            processes.kill(*processes.names)
    finally:
        made.forget()


class Receiver:
    """A worker's main process without Celery; it ends messages as `handle` says."""

    def __init__(self, url: str, queue: str) -> None:
        self.hub = cast("Any", Hub())
        self.connection: Any = SteadyConnection(url)
        self.connection.connect()
        self.connection.transport.register_with_event_loop(self.connection.connection, self.hub)
        self.channel = cast("Any", self.connection.default_channel)
        self.channel.basic_qos(0, PLACES, False)
        self.messages: list[Any] = []
        self.more: Callable[[], bool] = lambda: True
        self.handle: Callable[[Any], object] = self.messages.append
        queues = [Queue(queue, routing_key=queue, queue_arguments={"x-queue-type": "quorum"})]
        self.consumer: Any = Consumer(self.channel, queues, on_message=self.receive, accept=["json"])
        self.consumer.consume()

    def receive(self, message: Any) -> None:
        """Take a message."""
        self.handle(message)

    def turn(self, until: Callable[[], object], seconds: float = 30) -> bool:
        """Run the loop until a condition holds; whether it came to hold."""
        return turn(self.hub, until, seconds)

    def close(self) -> None:
        self.handle = lambda _message: None
        self.turn(lambda: False, 0.1)  # what was to be acknowledged soon
        with suppress(*self.connection.connection_errors):
            self.connection.close()
        self.hub.close()


@pytest.fixture
def receiver(server: Rabbit, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Receives 300 messages from a queue of the test's own; its pool wants more while they are quick."""
    queue = request.node.name
    pool: dict[str, Callable[[], bool]] = {"more": lambda: True}
    monkeypatch.setattr(prefetch, "more", lambda _in_hand, _places: pool["more"]())
    with Connection(server.url, transport_options={"confirm_publish": True}) as connection:
        channel = cast("Any", connection.default_channel)
        channel.queue_declare(queue, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    made = Receiver(server.url, queue)
    pool["more"] = lambda: made.more()  # noqa: PLW0108 - tests put another one there
    publish(server.url, queue, range(300))
    try:
        yield made
    finally:
        made.close()


def publish(url: str, queue: str, numbers: range) -> None:
    with SteadyConnection(url) as connection:
        producer: Any = connection.Producer()
        with producer.batch():
            for number in numbers:
                producer.publish({"number": number}, exchange="", routing_key=queue)


def ready(server: Rabbit, queue: str) -> int:
    """How many messages wait in RabbitMQ for whoever comes."""
    with Connection(server.url) as connection:
        return int(cast("Any", connection.default_channel).queue_declare(queue, passive=True).message_count)


def quickly(receiver: Receiver, count: int) -> list[int]:
    """Have so many messages end at once, then none any more; their numbers."""
    ended: list[int] = []
    receiver.more = lambda: len(ended) < count

    def handle(message: Any) -> None:
        if len(ended) >= count:
            receiver.messages.append(message)
            return
        ended.append(message.decode()["number"])
        receiver.hub.call_soon(message.ack)

    receiver.handle = handle
    assert receiver.turn(lambda: len(ended) >= count)
    return ended


def test_quick_tasks_get_more_than_there_are_places_for(receiver: Receiver) -> None:
    quickly(receiver, 250)
    receiver.more = lambda: True
    assert receiver.turn(lambda: len(receiver.messages) > 2 * PLACES)


def test_slow_tasks_hold_nothing_that_another_worker_could_take(
    server: Rabbit, receiver: Receiver, request: pytest.FixtureRequest
) -> None:
    quickly(receiver, QUICK)
    assert receiver.turn(lambda: ready(server, request.node.name) == 300 - QUICK - PLACES)
    assert len(receiver.messages) == PLACES


def test_a_consumer_that_ends_gives_back_what_was_not_begun(
    server: Rabbit, receiver: Receiver, request: pytest.FixtureRequest
) -> None:
    quickly(receiver, QUICK)
    receiver.consumer.cancel()
    begun = len(receiver.messages)
    assert receiver.turn(lambda: ready(server, request.node.name) == 300 - QUICK - begun)
    for message in receiver.messages:
        message.ack()
    receiver.turn(lambda: False, 0.1)
    receiver.close()
    assert ready(server, request.node.name) == 300 - QUICK - begun, "what ended meanwhile is acknowledged all the same"


def test_what_has_not_ended_comes_again_and_only_that(
    server: Rabbit, receiver: Receiver, request: pytest.FixtureRequest
) -> None:
    kept: list[int] = []

    def handle(message: Any) -> None:
        number = message.decode()["number"]
        if number % 100 == 7:
            kept.append(number)
        else:
            receiver.hub.call_soon(message.ack)
        receiver.messages.append(number)

    receiver.handle = handle
    assert receiver.turn(lambda: len(receiver.messages) == 300)
    receiver.turn(lambda: False, 0.1)
    receiver.close()
    with Connection(server.url) as connection:
        channel = cast("Any", connection.default_channel)
        got = [channel.basic_get(request.node.name, no_ack=True) for _ in range(4)]
    assert sorted(found.body for found in got if found) == sorted(f'{{"number": {number}}}' for number in kept)


def tls(server: Rabbit, authority: Authority, client: str, host: str = "localhost") -> str:
    port = str(server.config["listeners.ssl.default"]).rpartition(":")[2]
    return f"amqps://guest:guest@{host}:{port}//?ssl_ca_certs={authority.certificate}{client}"


def connect(url: str) -> None:
    address = amqp(url)
    with SteadyConnection(address.url, ssl=dict(address.tls), connect_timeout=30) as connection:
        connection.connect()


def test_a_verified_rabbitmq_is_connected_to_by_check_and_one_without_a_known_ca_is_not(
    installation: Installation, server: Rabbit, authority: Authority, client: str
) -> None:
    url = tls(server, authority, client)
    connect(url)
    installation.env["TIDINGS_BROKER_URL"] = url
    installation.start("check", "check").wait(60)
    assert "takes connections" in installation.log("check").read_text()
    installation.env["TIDINGS_BROKER_URL"] = url.replace(f"ssl_ca_certs={authority.certificate}&", "")
    assert installation.start("unknown", "check").wait(60) == 1
    assert "with ssl_ca_certs= in the address" in installation.log("unknown").read_text()


def test_wrong_certificates_are_refused_with_what_to_do(
    server: Rabbit, authority: Authority, client: str, tmp_path: Path
) -> None:
    stranger = Authority.new(tmp_path / "stranger")
    with pytest.raises(TlsRefused, match="name the file of the CA"):
        connect(tls(server, authority, client).replace(str(authority.certificate), str(stranger.certificate)))
    with pytest.raises(TlsRefused, match="another name; write the address with one of its names"):
        connect(tls(server, authority, client, "127.0.0.1"))
    with pytest.raises(TlsRefused, match=r"want.? a client certificate.*ssl_certfile="):
        connect(tls(server, authority, ""))
    with presented(*authority.sign("old", "DNS:localhost", -1)) as port, pytest.raises(TlsRefused, match="renewed"):
        connect(f"amqps://localhost:{port}//?ssl_ca_certs={authority.certificate}")
    with pytest.raises(TlsRefused, match="nobody speaks TLS at this port"):
        connect(f"amqps://localhost:{server.port}//?ssl_ca_certs={authority.certificate}")


def test_without_a_word_of_tls_a_certificate_is_verified_too(server: Rabbit, authority: Authority, client: str) -> None:
    with (
        pytest.raises(TlsRefused, match="name the file of the CA"),
        SteadyConnection(tls(server, authority, client).partition("?")[0], connect_timeout=30) as connection,
    ):
        connection.connect()


@contextmanager
def presented(certificate: Path, key: Path) -> Iterator[int]:
    """The port of a server that shows this certificate to whoever connects; kombu tries twice."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        while not over.is_set():
            with suppress(OSError):
                context.wrap_socket(listener.accept()[0], server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1]
        over.set()
        thread.join(10)
