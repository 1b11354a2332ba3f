"""What `check` says of a Redis that cannot be had, and how often it asks."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import runtime
from tasks.address.home import Remembered, remember
from tasks.commands.check.redis import absence
from tasks.commands.check.whose import whose
from tasks.runtime import Stores
from tasks.settings import settings
from tasks.store.connection import connect
from tests.integration.ending import Ending
from tests.ports import free_port


@pytest.fixture
def port(tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ending]:
    """Where TIDINGS_REDIS_URL leads to: it ends every connection, as a port with TLS does that likes no certificate of ours."""
    with Ending(1_000) as port:
        monkeypatch.setenv("TIDINGS_REDIS_URL", port.url)
        for cached in (settings, connect, runtime.stores):
            cached.cache_clear()
        yield port


@pytest.fixture
def asleep(tidings: Stores, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of an `up` that does not run, where nothing else says where the Redis is."""
    monkeypatch.delenv("TIDINGS_REDIS_URL")
    monkeypatch.setenv("TIDINGS_HOME", str(tmp_path))
    remember(tmp_path, Remembered(f"redis://127.0.0.1:{free_port()}/0", "5bcee8d294fe"))
    settings.cache_clear()
    return tmp_path


def test_a_folder_that_up_could_not_use_is_told_of_before_it_is_started(
    asleep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [each.level for each in whose()[0]] == ["NOTE"]
    full = os.statvfs_result((4096, 4096, 512, 0, 0, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda path: full)
    found, there = whose()
    assert ([each.level for each in found], there) == (["NOTE", "FAIL"], False)
    assert found[1].text == f"`up` cannot keep its Valkey's data in {asleep}: the disk of {asleep} is full"
    assert "TIDINGS_HOME" in found[1].todo


def test_an_id_that_the_folder_does_not_have_fails_as_all_commands_refuse_it(
    asleep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDINGS_INSTALLATION", "another")
    settings.cache_clear()
    (found,), there = whose()
    assert (found.level, there) == ("FAIL", False)
    assert found.text == f"TIDINGS_INSTALLATION is another, and the installation in {asleep} is 5bcee8d294fe"
    assert "unset TIDINGS_INSTALLATION" in found.todo


def test_an_empty_redis_is_told_of_as_what_it_is(tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,), there = whose()
    assert (found.level, there) == ("OK", True)
    assert found.text == f"none yet at {settings().redis}: the first worker or beat begins one there"
    monkeypatch.setenv("TIDINGS_INSTALLATION", "5bcee8d294fe")
    settings.cache_clear()
    (found,), there = whose()
    assert (found.level, there) == ("NOTE", True)
    assert (
        "begins one there, as 5bcee8d294fe; if that one ran before, its Redis was emptied or is another" in found.text
    )


def test_one_that_ends_connections_is_asked_a_few_times_and_told_of_with_what_tls_may_want(port: Ending) -> None:
    assert whose() == ([], True)
    (found,) = absence()
    assert "takes connections, and then ends them" in found.text
    assert "rediss://" in found.todo
    assert "ssl_certfile=FILE" in found.todo
    assert port.taken <= 3
