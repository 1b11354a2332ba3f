"""RabbitMQ between beat and workers: quorum queues, countdowns that wait in the broker, and a worker that is killed."""

import socket
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from amqp.exceptions import PreconditionFailed
from kombu import Connection
from kombu.exceptions import BatchPublishError  # type: ignore[attr-defined]  # the types lag behind: new in kombu 5.7

from tasks.commands.processes import Processes
from tasks.plumbing.transport import apart
from tests.bench.throughput.rabbit import Rabbit, program
from tests.end_to_end.installation import HANDLERS, Installation

pytestmark = pytest.mark.skipif(program() is None, reason="rabbitmq-server is not on this machine (Debian package)")

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
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a RabbitMQ of these tests' own."""
    server = Rabbit.new(tmp_path_factory.mktemp("rabbit") / "node")
    try:
        with Processes() as processes:
            server.start(processes)
            yield server.url
            processes.kill(*processes.names)
    finally:
        server.forget()


@pytest.fixture
def running(installation: Installation, rabbit: str) -> Installation:
    """An installation on that RabbitMQ."""
    installation.env["TIDINGS_BROKER_URL"] = rabbit
    return installation


def publish(running: Installation, topics: dict[str, int]) -> None:
    messages = [{"topic": topic, "content": {"n": n}} for topic, count in topics.items() for n in range(count)]
    running.control.publish("taobao", messages)


def waiting(url: str, queue: str) -> int:
    """How many messages wait in a queue; 0 while it is not there."""
    with Connection(url) as connection:
        channel: Any = connection.channel()
        try:
            return int(channel.queue_declare(queue, passive=True).message_count)
        except connection.channel_errors:
            return 0


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


def test_a_queue_of_the_lane_has_a_prefetch_of_its_own(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "room", SimpleNamespace(queues=frozenset({"wide"}), size=9))
    channel, got = connection.channel(), Counter[str]()
    channel.queue_declare("plain", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    channel.basic_qos(0, 2, False)
    for queue in ("wide", "plain"):  # the second begins after the lane's
        send(connection, queue, 20)
        channel.basic_consume(queue, callback=lambda message: got.update([message.delivery_info["routing_key"]]))
    with suppress(TimeoutError):
        while True:
            connection.drain_events(timeout=1)
    assert got == {"wide": 9, "plain": 2}


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
