"""Worker and beat stay with the installation that they began with."""

import os
import signal

import pytest

from tasks.plumbing import belonging
from tasks.plumbing.belonging import Belonging
from tasks.rules.belonging import Installation
from tasks.runtime import Stores


def test_the_first_one_writes_down_an_id_and_the_others_find_it(tidings: Stores) -> None:
    first, second = Belonging(), Belonging()
    assert first.look() == ""
    made = tidings.installations.read()
    assert made is not None
    assert second.look() == ""
    assert tidings.installations.read() == made


def test_a_flushed_redis_gets_the_same_id_again(tidings: Stores) -> None:
    mine = Belonging()
    mine.look()
    made = tidings.installations.read()
    tidings.installations.redis.flushall()
    assert mine.look() == ""
    assert tidings.installations.read() == made


def test_a_process_stops_when_its_address_leads_to_another_installation(
    tidings: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *what: asked.append(what))
    monkeypatch.setattr(belonging, "_belonging", Belonging())
    belonging.stay()
    tidings.installations.moved(Installation("b2", "/b/.tidings"))
    belonging.stay()
    assert asked == [(os.getpid(), signal.SIGTERM)]
    assert "belongs to another installation (b2 in /b/.tidings)" in caplog.text


@pytest.mark.parametrize("text", ["plain", "[3]", "{}", '{"home": "/a"}'])
def test_an_id_that_something_else_has_written_is_another_one(tidings: Stores, text: str) -> None:
    tidings.installations.redis.set("tidings:installation", text)
    assert tidings.installations.read() == Installation(text)
