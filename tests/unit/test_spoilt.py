"""What tells of a process that user code has spoilt, and what only of Redis or the machine."""

from collections.abc import Iterator

import pytest
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks import spoilt


@pytest.fixture(autouse=True)
def unspoilt(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(spoilt, "_why", {})
    return iter(())


@pytest.mark.parametrize("error", [RedisConnectionError(), OperationalError(), OSError(28, "full"), TimeoutError()])
def test_what_another_process_would_meet_too_is_no_sign(error: Exception) -> None:
    spoilt.by(error)
    assert not spoilt.why()


def test_anything_else_is_named_by_its_kind() -> None:
    spoilt.by(TypeError("with what a message says"))
    assert spoilt.why() == "TypeError"


def test_a_process_that_is_forked_from_a_spoilt_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt.by(TypeError())
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert not spoilt.why()
