"""RabbitMQ between beat and workers: quorum queues, countdowns that wait in the broker, and a worker that is killed. It sends
ahead while tasks are quick: nothing is held behind slow ones, or when a consumer ends, and only what has ended is acknowledged.
And TLS: who is refused, and what is said of it. All in one file, as RabbitMQ takes six seconds of CPU to start."""

import shutil
import socket
import subprocess
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from amqp.exceptions import PreconditionFailed
from celery.events import get_exchange
from celery.events.dispatcher import EventDispatcher
from kombu import Connection, Queue
from kombu.exceptions import BatchPublishError  # type: ignore[attr-defined]  # the types lag behind: new in kombu 5.7

from tasks import app
from tasks.address import amqp
from tasks.commands.processes import Processes
from tasks.plumbing import fanout
from tasks.plumbing.transport import SteadyConnection, apart, prefetch
from tasks.plumbing.transport.certificates import TlsRefused
from tests.bench.throughput.rabbit import Rabbit, program
from tests.end_to_end.certificates import Authority
from tests.end_to_end.installation import HANDLERS, Installation
from tests.end_to_end.rabbit import PLACES, Receiver, fill, presented, waiting
from tests.ports import free_port

pytestmark = pytest.mark.skipif(program() is None, reason="rabbitmq-server is not on this machine (Debian package)")

QUICK = 60

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 30
[accounts.shop]
gateway = "tb"
poll = { min = 0.2, max = 0.5 }
"""

FALTERING = (
    HANDLERS
    + '''

def falter(message, error):
    """Fail the first time only."""
    if not os.path.exists(JOURNAL + message.id):
        open(JOURNAL + message.id, "w").close()
        note(message, "tried")
        raise error
    note(message, "handled")

@handles("asked", queue="slow")
def on_asked(message: Message) -> None:
    falter(message, Retry("not yet", delay=1))

@handles("patient", queue="slow")
def on_patient(message: Message) -> None:
    falter(message, Retry("not for a while", delay=4))

@handles("broken")
def on_broken(message: Message) -> None:
    falter(message, RuntimeError("out of order"))
'''
)
TOPICS = {"plain": 200, "asked": 5, "patient": 5, "broken": 5}


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


@pytest.fixture
def rabbit(server: Rabbit) -> str:
    """Its address."""
    return server.url


@pytest.fixture
def running(installation: Installation, rabbit: str) -> Installation:
    """An installation on that RabbitMQ."""
    installation.env["TIDINGS_BROKER_URL"] = rabbit
    return installation


def publish(running: Installation, topics: dict[str, int]) -> None:
    messages = [{"topic": topic, "content": {"n": n}} for topic, count in topics.items() for n in range(count)]
    running.control.publish("taobao", messages)


def test_messages_are_handled_and_confirmed_once_and_retried_after_their_delay(
    running: Installation, rabbit: str
) -> None:
    running.configure(ACCOUNTS, FALTERING)
    publish(running, TOPICS)
    running.worker()
    running.beat()
    running.until(lambda: waiting(rabbit, "celery_delayed_2"), 90, "what is to be tried in 4 s waits in RabbitMQ")
    running.until(lambda: all(m["confirmed"] for m in running.control.ledger()), 90, "everything is confirmed")
    handled = Counter(line[4] for line in running.handled())
    assert len(handled) == sum(TOPICS.values())
    assert set(handled.values()) == {1}
    for message in running.control.ledger():
        assert len(message["deliveries"]) == len(message["confirms"]) == 1, "no try was left to the lease"
    times: dict[str, list[float]] = defaultdict(list)
    for line in [*running.handled("tried"), *running.handled()]:
        times[line[3]].append(line[5])
    assert min(times["asked"][5:]) - min(times["asked"][:5]) >= 1
    assert min(times["patient"][5:]) - min(times["patient"][:5]) >= 4
    with Connection(rabbit) as connection:
        channel: Any = connection.channel()
        with pytest.raises(PreconditionFailed, match="quorum"):
            channel.queue_declare("handle", durable=True, auto_delete=False)
        assert channel.connection.channel().queue_declare("slow", passive=True).message_count == 0


def test_a_killed_worker_loses_nothing(running: Installation) -> None:
    slow = HANDLERS.replace('    note(message, "handled")', '    time.sleep(0.01)\n    note(message, "handled")')
    running.configure(ACCOUNTS.replace("lease_seconds = 30", "lease_seconds = 6"), slow)
    publish(running, {"plain": 300})
    running.worker(
        "pull", "-P", "threads", "-c", "8", "-Q", "consume,confirm,count"
    )  # `count` is nobody's queue, and no harm
    running.worker("handle", "-Q", "handle")
    running.beat()
    running.until(lambda: len(running.handled()) >= 60, 90, "some are handled")
    running.kill("handle")
    running.worker("everything")
    running.until(lambda: all(m["confirmed"] for m in running.control.ledger()), 60, "everything is confirmed")
    handled = Counter(line[4] for line in running.handled())
    assert len(handled) == 300
    assert sum(times - 1 for times in handled.values()) <= 3, "at most what ran when it was killed runs twice"


@pytest.fixture
def connection(rabbit: str) -> Iterator[Any]:
    """A connection as Tidings makes it, with an empty queue `wide` and one for a single message, `narrow`."""
    with Connection(
        rabbit, transport="tasks.plumbing.transport.rabbit:Transport", transport_options={"confirm_publish": True}
    ) as made:
        channel: Any = made.channel()
        limited = {"x-max-length": 1, "x-overflow": "reject-publish"}
        for name, arguments in (("wide", {"x-queue-type": "quorum"}), ("narrow", limited)):
            channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)
            channel.queue_purge(name)
        yield made


def send(connection: Any, queue: str, count: int) -> None:
    producer = connection.Producer()
    with producer.batch():
        for number in range(count):
            producer.publish(str(number), exchange="", routing_key=queue)


def test_a_batch_that_was_sent_has_arrived_also_after_the_connection_was_cut(connection: Any, rabbit: str) -> None:
    send(connection, "wide", 250)
    assert waiting(rabbit, "wide") == 250
    connection.connection.sock.shutdown(socket.SHUT_RDWR)
    send(connection, "wide", 3)
    assert waiting(rabbit, "wide") == 253


def test_a_queue_is_declared_also_over_a_connection_that_was_cut(connection: Any, rabbit: str) -> None:
    producer = connection.Producer()
    producer.channel.queue_declare("cut", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    connection.connection.sock.shutdown(socket.SHUT_RDWR)
    fanout.declare(producer, Queue("cut", queue_arguments={"x-queue-type": "quorum"}))
    with producer.batch():
        producer.publish("1", exchange="", routing_key="cut")
    assert waiting(rabbit, "cut") == 1


def test_a_queue_of_the_lane_has_a_prefetch_of_its_own(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "room", SimpleNamespace(queues=frozenset({"wide"}), size=9))
    channel, got = connection.channel(), Counter[str]()
    channel.queue_declare("plain", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    channel.basic_qos(0, 2, False)
    for queue in ("wide", "plain"):  # the second begins after the lane's
        send(connection, queue, 20)
        channel.basic_consume(queue, callback=lambda message: got.update([message.delivery_info["routing_key"]]))
    while got.total() < 11:
        connection.drain_events(timeout=20)
    with suppress(TimeoutError):
        connection.drain_events(timeout=1)
    assert got == {"wide": 9, "plain": 2}


def watermark(server: Rabbit, *words: str) -> None:
    """Say how much memory RabbitMQ may have; it is short of it within a second."""
    program_ = shutil.which("/usr/lib/rabbitmq/bin/rabbitmqctl") or "rabbitmqctl"
    told = [program_, "-n", server.node, "set_vm_memory_high_watermark", *words]
    subprocess.run(told, env=server.environment(), check=True, capture_output=True)


def test_an_event_does_not_wait_for_a_rabbitmq_that_is_short_of_memory(server: Rabbit, connection: Any) -> None:
    """A worker's main loop sends its heartbeat: it stood still for ten seconds each, and handlers that had ended were killed."""
    seen = connection.Consumer([Queue("seen", get_exchange(connection), routing_key="#", exclusive=True)], no_ack=True)
    events = EventDispatcher(connection, hostname="h", app=app)
    came: list[Any] = []
    seen.register_callback(lambda _body, message: came.append(message))
    seen.consume()
    watermark(server, "absolute", "1MB")
    try:
        began = time.monotonic()
        for _ in range(5):
            events.send("worker-heartbeat")
            time.sleep(0.2)
        assert time.monotonic() - began < 5
        assert connection.connection.blocked
    finally:
        watermark(server, "0.6")
    end = time.monotonic() + 20
    while not came or came[-1].delivery_info["routing_key"] != "worker.online":
        assert time.monotonic() < end, "events go on"
        events.send("worker-online")
        with suppress(TimeoutError):
            connection.drain_events(timeout=0.5)


def test_a_batch_that_is_refused_is_an_error(connection: Any) -> None:
    with pytest.raises(BatchPublishError, match="refused"):
        send(connection, "narrow", 10)


def test_a_queue_of_an_earlier_version_is_refused_with_what_to_do(connection: Any) -> None:
    channel = connection.channel()
    with pytest.raises(PreconditionFailed, match="rabbitmqctl delete_queue wide"):
        channel.queue_declare("wide", durable=True, auto_delete=False)


def test_check_says_what_to_do_about_a_queue_of_an_earlier_version(running: Installation, rabbit: str) -> None:
    running.configure(ACCOUNTS)
    with Connection(rabbit) as made:
        channel: Any = made.channel()
        channel.queue_delete("confirm")
        channel.queue_declare("confirm", durable=True, auto_delete=False)
        try:
            assert running.start("check", "check").wait(60) == 1
        finally:
            channel.queue_delete("confirm")
    assert "rabbitmqctl delete_queue confirm" in running.log("check").read_text()


@pytest.fixture
def receiver(rabbit: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Receives 300 messages from a queue of the test's own; its pool wants more while they are quick."""
    queue = request.node.name
    pool: dict[str, Callable[[], bool]] = {"more": lambda: True}
    monkeypatch.setattr(prefetch, "more", lambda _in_hand, _places: pool["more"]())
    with Connection(rabbit, transport_options={"confirm_publish": True}) as connection:
        channel = cast("Any", connection.default_channel)
        channel.queue_declare(queue, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    made = Receiver(rabbit, queue)
    pool["more"] = lambda: made.more()  # noqa: PLW0108 - tests put another one there
    fill(rabbit, queue, range(300))
    try:
        yield made
    finally:
        made.close()


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


def test_quick_tasks_get_more_than_there_are_places_for(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "WINDOW", 2.0)  # what is quick, also for a machine that has other things to do
    in_hand, most, ended = deque[Any](), [0], [0]

    def end() -> None:
        in_hand.popleft().ack()
        ended[0] += 1

    def handle(message: Any) -> None:
        in_hand.append(message)
        most[0] = max(most[0], len(in_hand))
        receiver.hub.call_later(0.01, end)

    receiver.handle = handle
    assert receiver.turn(lambda: ended[0] == 300, 120)
    assert most[0] > 2 * PLACES


def test_slow_tasks_hold_nothing_that_another_worker_could_take(
    rabbit: str, receiver: Receiver, request: pytest.FixtureRequest
) -> None:
    quickly(receiver, QUICK)
    assert receiver.turn(lambda: waiting(rabbit, request.node.name) == 300 - QUICK - PLACES)
    assert len(receiver.messages) == PLACES


def test_a_consumer_that_ends_gives_back_what_was_not_begun(
    rabbit: str, receiver: Receiver, request: pytest.FixtureRequest
) -> None:
    quickly(receiver, QUICK)
    receiver.consumer.cancel()
    begun = len(receiver.messages)
    assert receiver.turn(lambda: waiting(rabbit, request.node.name) == 300 - QUICK - begun)
    for message in receiver.messages:
        message.ack()
    receiver.turn(lambda: False, 0.1)
    receiver.close()
    assert waiting(rabbit, request.node.name) == 300 - QUICK - begun, (
        "what ended meanwhile is acknowledged all the same"
    )


def test_a_consumer_has_ended_when_it_was_cancelled_also_right_after_the_one_ahead(
    receiver: Receiver, request: pytest.FixtureRequest
) -> None:
    channel = receiver.channel
    channel.end(channel.begin(request.node.name, 10, lambda _message: None))
    receiver.consumer.cancel()
    assert not channel.callbacks, "what comes after it is given back"


def test_what_has_not_ended_comes_again_and_only_that(
    rabbit: str, receiver: Receiver, request: pytest.FixtureRequest
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
    with Connection(rabbit) as connection:
        channel = cast("Any", connection.default_channel)
        got = [channel.basic_get(request.node.name, no_ack=True) for _ in range(4)]
    assert sorted(found.body for found in got if found) == sorted(f'{{"number": {number}}}' for number in kept)


def tls(server: Rabbit, authority: Authority, client: str, host: str = "localhost") -> str:
    port = str(server.config["listeners.ssl.default"]).rpartition(":")[2]
    return f"amqps://guest:guest@{host}:{port}//?ssl_ca_certs={authority.certificate}{client}"


def connect(url: str) -> None:
    """Connect as Tidings does, once: kombu would try again after two seconds."""
    address = amqp(url)
    transport: Any = SteadyConnection(address.url, ssl=dict(address.tls), connect_timeout=30).transport
    transport.close_connection(transport.establish_connection())


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
    bare = SteadyConnection(tls(server, authority, client).partition("?")[0], connect_timeout=30)
    with pytest.raises(TlsRefused, match="name the file of the CA"):
        bare.transport.establish_connection()
