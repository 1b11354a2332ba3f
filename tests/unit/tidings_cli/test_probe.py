"""The command that health checks run: what it finds in files, what it says, and how little it imports."""

import errno
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tidings_cli import probe


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIDINGS_HEALTH_DIR", str(tmp_path / "health"))
    return probe.made()


def says(kind: str = "worker", name: str = "", max_age: float = 5.0, connected: bool = False) -> str:
    return probe.fault(probe.read(kind, name), max_age, connected)


def sign(name: str, *, kind: str = "worker", pid: int = 0, connected: bool = True) -> Path:
    path = probe.file(kind, name, pid or os.getpid())
    probe.write(path, connected)
    return path


def told(path: Path, text: str) -> None:
    """Have a sign tell something else."""
    path.unlink(missing_ok=True)
    path.symlink_to(text)


def ended() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_fresh_sign_is_good_for_its_kind_and_name_only() -> None:
    sign("pull@host.example")
    assert says() == says(name="pull@host.example") == says(name="pull") == ""
    assert says(name="handle") == says(name="pul") == says("beat") == "no such process has given a sign of life"


@pytest.mark.parametrize("variable", ["TIDINGS_HEALTH_DIR", "TMPDIR"])
def test_a_relative_folder_stays_where_it_was_when_a_handler_goes_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.delenv("TIDINGS_HEALTH_DIR")
    monkeypatch.setenv(variable, f"of-{variable}")
    monkeypatch.chdir(tmp_path)
    before = probe.folder()
    monkeypatch.chdir("elsewhere")
    assert probe.folder() == before
    assert before.is_relative_to(tmp_path / f"of-{variable}")


def test_an_old_sign_names_the_process_and_its_age() -> None:
    path = sign("pull@host")
    at = float(path.readlink().name.split()[0])
    told(path, f"{at - 100} connected")
    assert says() == f"pull@host ({os.getpid()}): its main loop has not turned for 100 s"
    assert says(max_age=200) == ""


def test_one_that_hangs_is_not_hidden_by_others_that_do_not() -> None:
    told(sign("a@host"), "0.0 connected")
    sign("b@host")
    assert says().startswith("a@host")
    assert says(name="b") == ""


def test_who_waits_for_its_broker_is_alive_and_not_connected() -> None:
    sign("pull@host", connected=False)
    assert says() == ""
    wrong = "it has no connection to its broker or Redis, or no accounts that it can use"
    assert says(connected=True) == f"pull@host ({os.getpid()}): {wrong}"


def test_files_of_processes_that_are_gone_and_such_that_are_none_count_as_nothing(folder: Path) -> None:
    sign("a@host", pid=ended())
    (folder / "worker-b@host.txt").write_text("")
    (folder / f"worker-c@host.{os.getpid()}").write_text("half")
    told(folder / f"worker-d@host.{os.getpid()}", "half")
    assert says() == "no such process has given a sign of life"


def test_a_file_of_before_the_machine_was_started_tells_nothing_of_who_has_its_number_now() -> None:
    path = sign("a@host", pid=os.getppid())
    told(path, f"{time.monotonic() + 86400} connected")
    assert says() == "no such process has given a sign of life"
    sign("b@host")
    assert says() == ""


def test_whoever_begins_takes_away_what_others_have_left_behind(folder: Path) -> None:
    gone, before = sign("a@host", pid=ended()), sign("b@host", pid=os.getppid())
    told(before, f"{time.monotonic() + 86400} connected")
    kept = [sign("c@host"), sign("host", kind="beat"), folder / "worker-of-somebody.1", folder / f"notes-{ended()}.2"]
    for path in kept[2:]:
        path.write_text("of somebody else\n")
    probe.tidy()
    assert not os.path.lexists(gone)
    assert not os.path.lexists(before)
    assert all(map(os.path.lexists, kept))


def test_a_sign_needs_no_room_on_a_disk() -> None:
    """A full disk would else have a probe restart workers that do well, again and again."""
    sign("pull@host", connected=False)
    limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
    try:
        sign("pull@host", connected=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
    assert says(connected=True) == ""


def test_a_file_system_without_links_has_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refused)
    assert not sign("pull@host", connected=True).is_symlink()
    assert says(connected=True) == ""


def test_what_a_killed_process_of_the_same_number_has_left_half_done_is_no_obstacle() -> None:
    path = sign("pull@host")
    path.rename(path.with_name(f".{path.name}"))
    sign("pull@host")
    assert says() == ""


def test_a_folder_of_somebody_elses_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIDINGS_HEALTH_DIR")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert probe.made().stat().st_mode & 0o777 == 0o700
    probe.made().rmdir()
    (tmp_path / "theirs").mkdir()
    probe.folder().symlink_to(tmp_path / "theirs")
    with pytest.raises(PermissionError, match="set TIDINGS_HEALTH_DIR"):
        probe.made()


def test_the_command_tells_by_its_exit_code_and_imports_neither_celery_nor_tasks() -> None:
    code = (
        "import sys; from tidings_cli.probe import main; main();"
        "print(sorted({'celery', 'kombu', 'redis', 'tasks', 'pydantic'} & {*sys.modules}))"
    )

    def run(*words: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=30, check=False
        )
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    assert run("beat") == (1, "", "no such process has given a sign of life")
    sign("host", kind="beat")
    assert run("beat", "--max-age", "30", "--connected") == (0, "[]", "")
    assert run("cook")[0] == 2
