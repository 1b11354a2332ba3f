"""Worker and beat stay with the installation that they began with."""

import os
import signal
from pathlib import Path

import pytest

from tasks import runtime
from tasks.address.home import Remembered, remember
from tasks.plumbing import belonging
from tasks.plumbing.belonging import Belonging
from tasks.rules.belonging import Installation
from tasks.runtime import Stores
from tasks.settings import settings


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


def test_where_nobody_has_said_to_look_an_installation_of_anothers_folder_is_refused(
    tidings: Stores, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TIDINGS_REDIS_URL")
    monkeypatch.setenv("TIDINGS_HOME", str(tmp_path))
    monkeypatch.setattr(runtime, "stores", lambda: tidings)
    settings.cache_clear()
    assert runtime.refusal() == ""
    tidings.installations.moved(Installation("b2", "/b/.tidings"))
    assert "belongs to the installation in /b/.tidings" in runtime.refusal()
    assert "as TIDINGS_REDIS_URL is not set" in runtime.whereabouts()


def test_an_installation_that_does_not_run_is_told(
    tidings: Stores, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TIDINGS_REDIS_URL")
    monkeypatch.setenv("TIDINGS_HOME", str(tmp_path))
    remember(tmp_path, Remembered("redis://127.0.0.1:1/0", "a1"))
    settings.cache_clear()
    assert (
        runtime.refusal()
        == f"the installation in {tmp_path} does not run: start it with `up`, or set TIDINGS_REDIS_URL"
    )


def test_an_id_that_is_asked_for_has_to_be_there(tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_INSTALLATION", "a1")
    settings.cache_clear()
    assert runtime.refusal() == ""
    tidings.installations.moved(Installation("b2"))
    assert "another installation (b2) than the one that is meant here (a1)" in runtime.refusal()
