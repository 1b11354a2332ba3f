"""A RabbitMQ node that hangs: the system takes what is sent to it, and no answer ever comes."""

import socket
from collections.abc import Iterator

import pytest
from amqp import RecoverableConnectionError

from tasks.plumbing.transport import wire


@pytest.fixture
def silent() -> Iterator[wire.Connection]:
    """A connection to one."""
    with socket.create_server(("127.0.0.1", 0)) as node:
        made = wire.Connection(host=f"127.0.0.1:{node.getsockname()[1]}", connect_timeout=5)
        made._transport = made.Transport(made.host, 5)
        made.transport.connect()
        yield made
        made.collect()


def test_an_answer_that_does_not_come_ends_the_connection(
    silent: wire.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "ANSWER_SECONDS", 0.1)
    with pytest.raises(RecoverableConnectionError, match="has not answered"):
        silent.drain_events()
    assert not silent.connected
    silent.close()  # waits for nobody


def test_who_waits_for_messages_goes_on_waiting(silent: wire.Connection) -> None:
    with pytest.raises(TimeoutError):
        silent.drain_events(0.1)
    assert silent.connected
