"""A worker declares RabbitMQ's delay queues on the node that it is connected to, whatever became of the others."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from amqp.exceptions import PreconditionFailed
from celery.worker.consumer import delayed_delivery
from kombu import Connection

from tasks.plumbing import delays
from tasks.plumbing.pulse import Consumer

BOTH = "amqp://gone//;amqp://there//"


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A worker's consumer that has found the second node; `declared` notes where queues were declared."""
    connection = Connection(BOTH)
    connection.maybe_switch_next()
    declared: list[str] = []
    monkeypatch.setattr(delays, "declare", lambda to, kind: declared.append(f"{kind} at {to.hostname}"))
    conf = SimpleNamespace(broker_url=BOTH, broker_native_delayed_delivery_queue_type="quorum")
    app = SimpleNamespace(conf=conf, amqp=SimpleNamespace(queues={}))
    return SimpleNamespace(app=app, connection=connection, declared=declared)


def test_nothing_is_asked_of_a_node_that_the_worker_is_not_connected_to(consumer: Any) -> None:
    delays.Delays(consumer).start(consumer)
    assert consumer.declared == ["quorum at there"]


def test_a_connection_that_is_lost_meanwhile_is_the_workers_to_mend(
    consumer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_to: Any, _kind: str) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(delays, "declare", lost)
    with pytest.raises(ConnectionResetError):
        delays.Delays(consumer).start(consumer)


def test_a_refusal_is_told_and_does_not_end_the_worker(
    consumer: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(_to: Any, _kind: str) -> None:
        raise PreconditionFailed("inequivalent arg")

    monkeypatch.setattr(delays, "declare", refused)
    with caplog.at_level(logging.ERROR):
        delays.Delays(consumer).start(consumer)
    assert "inequivalent arg" in caplog.text


def test_the_worker_has_this_step_in_place_of_celerys() -> None:
    steps = Consumer.Blueprint.default_steps
    assert f"{delays.__name__}:Delays" in steps
    assert f"{delayed_delivery.__name__}:DelayedDelivery" not in steps
