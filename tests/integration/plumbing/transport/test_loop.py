"""The worker's event loop reads the transport's connections."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.integration.plumbing.transport.receiver import Receiver, send

PREFIXES = count(1)


@pytest.fixture
def receiver(valkey: str) -> Iterator[Receiver]:
    made = Receiver(valkey, f"loop{next(PREFIXES)}:")
    yield made
    made.close()


def test_a_connection_that_was_cut_is_read_again(receiver: Receiver, valkey: str) -> None:
    assert receiver.turn(lambda: receiver.channel._in_poll)
    receiver.channel._in_poll.disconnect()
    send(valkey, receiver.channel.global_keyprefix, [1])
    assert receiver.turn(lambda: receiver.numbers == [1])
