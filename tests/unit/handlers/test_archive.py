"""`handlers.archive`: every message in the file of its day, whole, whoever else writes, whatever the disk does."""

import fcntl
import json
import multiprocessing
import os
import resource
import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from handlers import Message, Reject, Retry
from handlers.errors import BadSetting
from tests.boxed import around, imported

PUBLISHED = datetime(2022, 6, 13, 18, 8, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
CONTENT = '{"tid": 1588826713157361977, "buyer": "张三\n"}'
MESSAGE = Message("7", "t", "shop", "taobao", CONTENT, PUBLISHED, "9", "nick", 2)
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("TIDINGS_ARCHIVE_FOLDER", str(tmp_path / "some" / "archive"))
    with imported("handlers.archive") as module:
        yield module


def files(archive: Any) -> list[Path]:
    return sorted(archive.FOLDER.iterdir())


def lines(archive: Any) -> list[dict[str, Any]]:
    (file,) = files(archive)
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def test_a_folder_is_where_the_process_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its handler may have gone elsewhere, where nobody looks for what tells of buyers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDINGS_ARCHIVE_FOLDER", "archive")
    with imported("handlers.archive") as module:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        module.keep(MESSAGE, "handled")
    assert [each.parent for each in tmp_path.rglob("*.jsonl")] == [tmp_path / "archive"]


def test_a_home_folder_of_nobody_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_ARCHIVE_FOLDER", "~nobody-of-that-name/archive")
    with (
        pytest.raises(BadSetting, match="TIDINGS_ARCHIVE_FOLDER: there is no home folder"),
        imported("handlers.archive"),
    ):
        pass


@pytest.mark.parametrize("where", ["file", "file/a/b", "lost", "lost/a", "/dev/null/x"])
def test_what_can_be_no_folder_is_told_of_at_the_start(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    monkeypatch.setenv("TIDINGS_ARCHIVE_FOLDER", str(tmp_path / where))
    with pytest.raises(BadSetting, match=r"TIDINGS_ARCHIVE_FOLDER: .* is no folder"), imported("handlers.archive"):
        pass


def test_a_folder_that_may_not_be_written_to_is_told_of_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDINGS_ARCHIVE_FOLDER", str(tmp_path / "a" / "b"))
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path or mode == os.F_OK)  # root may do everything
    with (
        pytest.raises(BadSetting, match=f"TIDINGS_ARCHIVE_FOLDER: the user .* may not write to {tmp_path}: change its"),
        imported("handlers.archive"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_message_is_a_line_with_everything_that_came(archive: Any) -> None:
    handler = around(archive.archived)
    handler.call(
        Message("7", "t", "shop", "taobao", '{"tid": 1588826713157361977, "buyer": "张三"}', PUBLISHED, "9", "nick", 2)
    )
    (found,) = lines(archive)
    assert found.pop("at").endswith("+08:00")
    assert found == {
        "id": "7",
        "topic": "t",
        "account": "shop",
        "platform": "taobao",
        "published": "2022-06-13T18:08:09+08:00",
        "user_id": "9",
        "user_nick": "nick",
        "deliveries": 2,
        "outcome": "handled",
        "content": '{"tid": 1588826713157361977, "buyer": "张三"}',
    }


@pytest.mark.parametrize(
    ("error", "outcome"), [(KeyError("x"), "failed"), (Retry(), "failed"), (Reject(), "dead"), (SystemExit(), "failed")]
)
def test_how_it_ended_is_told(archive: Any, error: BaseException, outcome: str) -> None:
    with pytest.raises(type(error)):
        around(archive.archived, error).call(Message("7", "t", "shop", "taobao", "{}"))
    (found,) = lines(archive)
    assert (found["outcome"], found["error"]) == (outcome, type(error).__name__)


def test_content_that_does_not_fit_is_kept_too_also_half_characters(archive: Any) -> None:
    with pytest.raises(Exception, match="content"):
        around(archive.archived).call(Message("7", "t", "shop", "taobao", '["\n\ud800"'))
    (found,) = lines(archive)
    assert (found["outcome"], found["content"]) == ("dead", '["\n\ud800"')


def test_a_file_is_a_day_in_shanghai_and_nobody_elses_to_read(archive: Any) -> None:
    with time_machine.travel("2026-11-26T23:30:00+00:00"):
        archive.keep(MESSAGE, "handled")
    (file,) = files(archive)
    assert file.name == "2026-11-27.jsonl"
    assert file.stat().st_mode & 0o777 == 0o600
    assert archive.FOLDER.stat().st_mode & 0o777 == 0o700


def write_many(archive: Any, number: int) -> None:
    for each in range(100):
        archive.keep(Message(f"{number}-{each}", "t", "shop", "taobao", "张" * 20_000), "handled")


def test_lines_of_several_processes_stay_whole(archive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LOCK_SECONDS", 60.0)  # on a busy machine one would be left out
    processes = [FORK.Process(target=write_many, args=(archive, number)) for number in range(4)]
    for each in processes:
        each.start()
    for each in processes:
        each.join(60)
    found = lines(archive)
    assert {each["id"] for each in found} == {f"{number}-{each}" for number in range(4) for each in range(100)}
    assert len(found) == 400
    assert all(len(each["content"]) == 20_000 for each in found)


def fill_up(archive: Any, log: str) -> None:
    """Write to a disk that is full after 1,000 bytes, as far as this process can tell."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
    for number in range(3):
        around(archive.archived).call(
            Message(f"{number}", "t", "shop", "taobao", json.dumps({"buyer": "private-buyer" * 60}))
        )
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    around(archive.archived).call(Message("after", "t", "shop", "taobao", "{}"))
    Path(log).write_text("fine")


def test_a_full_disk_costs_no_message_and_leaves_no_half_line(archive: Any, tmp_path: Path) -> None:
    """The handler has run: that its copy cannot be kept must not make it run again."""
    archive.keep(Message("before", "t", "shop", "taobao", "{}"), "handled")
    process = FORK.Process(target=fill_up, args=(archive, str(tmp_path / "log")))
    process.start()
    process.join(30)
    assert (tmp_path / "log").read_text() == "fine"
    assert [each["id"] for each in lines(archive)] == ["before", "after"]


def test_what_cannot_be_written_is_told_without_content(archive: Any, caplog: pytest.LogCaptureFixture) -> None:
    archive.FOLDER.parent.mkdir()
    archive.FOLDER.write_text("a file in its place")
    around(archive.archived).call(Message("7", "t", "shop", "taobao", '{"buyer": "private-buyer"}'))
    assert "shop t 7 is not in the archive" in caplog.text
    assert "private-buyer" not in caplog.text


def test_whoever_was_killed_while_writing_spoils_no_other_line(archive: Any) -> None:
    archive.keep(MESSAGE, "handled")
    (file,) = files(archive)
    file.write_bytes(file.read_bytes() + b'{"id": "half')
    archive.keep(MESSAGE, "handled")
    whole, half, after, end = file.read_bytes().split(b"\n")
    assert json.loads(whole)["id"] == json.loads(after)["id"] == "7"
    assert (half, end) == (b'{"id": "half', b"")


def test_a_file_that_somebody_holds_is_not_waited_for_long(
    archive: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    archive.keep(MESSAGE, "handled")
    monkeypatch.setattr(archive, "LOCK_SECONDS", 0.05)
    held = os.open(files(archive)[0], os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_SH)
    archive.keep(MESSAGE, "handled")
    os.close(held)
    assert "another process holds its file" in caplog.text
    assert len(lines(archive)) == 1


def test_without_a_folder_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_ARCHIVE_FOLDER", " ")
    with pytest.raises(BadSetting, match="TIDINGS_ARCHIVE_FOLDER is not set"), imported("handlers.archive"):
        pass
