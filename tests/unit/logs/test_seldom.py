"""Lines that come by the hundred."""

import logging

import pytest
from redis.exceptions import ReadOnlyError

from tasks.logs.seldom import SECONDS, Seldom, left_out
from tasks.plumbing import pulse
from tasks.plumbing.pulse import AGAIN_SECONDS, Consumer
from tasks.store import deferred
from tasks.store.deferred import follow


def test_the_first_is_told_and_then_one_in_some_seconds_with_how_many_were_left_out() -> None:
    seldom = Seldom()
    assert seldom.left_out("full", now=100.0) == 0
    assert [seldom.left_out("full", now=100.0 + step) for step in (0.1, 1, SECONDS - 0.1)] == [None, None, None]
    assert seldom.left_out("full", now=100.0 + SECONDS) == 3
    assert seldom.left_out("full", now=100.1 + SECONDS) is None
    assert seldom.left_out("full", now=100.1 + 2 * SECONDS) == 1


def test_what_is_told_of_one_thing_keeps_nothing_else_back() -> None:
    seldom = Seldom()
    assert [seldom.left_out(what, now=1.0) for what in ("full", "a replica", "full")] == [0, 0, None]


def test_what_was_told_long_ago_is_forgotten_when_there_is_much() -> None:
    seldom = Seldom()
    for number in range(1_000):
        seldom.left_out(str(number), now=float(number))
    assert len(seldom) <= 100


def test_a_line_says_how_many_like_it_were_left_out_if_any_were() -> None:
    assert (left_out(0), left_out(1), left_out(37)) == (
        "",
        " (1 such line was left out)",
        " (37 such lines were left out)",
    )


def test_writes_that_are_refused_by_the_hundred_are_one_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deferred, "_refused", Seldom())
    for command in ("SET", "RPUSH") * 50:
        follow(command, None, ReadOnlyError("You can't write against a read only replica."))
    (line,) = caplog.records
    assert "Redis refuses SET: it is a read-only replica" in line.getMessage()
    assert vars(line)["event"] == "write_refused"


def test_a_worker_that_its_broker_refuses_tries_twice_a_second_says_so_once_and_gives_signs_of_life(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery tries again at once, each time with three lines, and with a traceback where there were five in a second."""
    waited, turned = list[float](), list[bool]()
    monkeypatch.setattr(pulse, "sleep", waited.append)
    monkeypatch.setattr(pulse.Pulse, "turn", lambda _, connected: turned.append(connected))
    consumer = object.__new__(Consumer)
    consumer.hostname, consumer.conninfo = "w@host", Conninfo()
    with caplog.at_level(logging.INFO):
        for _ in range(20):
            consumer.on_connection_error_before_connected(ReadOnlyError("You can't write against a read only replica."))
    (line,) = caplog.records
    assert line.getMessage() == (
        "consumer: redis://:**@127.0.0.1/0 is a read-only replica; give the primary's address, "
        "or Sentinel's: sentinel://HOST/0?master=NAME; it is tried again"
    )
    assert vars(line)["event"] == "consumer_waits"
    assert waited == [AGAIN_SECONDS] * 20
    assert turned == [False] * 20


class Conninfo:
    """Of kombu's connection, what a line shows."""

    def as_uri(self) -> str:
        return "redis://:**@127.0.0.1/0"
