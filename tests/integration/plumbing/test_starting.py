"""Handlers that cannot be loaded stop a worker at its start, with a text that says why."""

import errno
import os
import resource
import subprocess
import tempfile
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from handlers import Registry
from tasks import app
from tasks.plumbing import refusing, starting
from tasks.runtime import Stores
from tests import ready


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (None, "there is no module 'shop'"),
        ("import no_such_thing", "'no_such_thing', which is not there"),
        ("1 / 0", "ZeroDivisionError"),
        ("def on_paid(content: dict): 0", "shop, which TIDINGS_HANDLERS names, registers no handler"),
        ("from handlers import handles\n@handles('t')\ndef f(): pass", "shop.py:2"),
        (
            "from handlers import handles\n@handles('t')\ndef f(c: dict): 0\n@handles('t')\ndef g(c: dict): 0",
            "two handlers for 't'",
        ),
    ],
)
def test_a_worker_refuses_to_start_and_says_why(tmp_path: Path, valkey: str, source: str | None, told: str) -> None:
    if source is not None:
        (tmp_path / "shop.py").write_text(source)
    done = started(tmp_path, "worker", TIDINGS_REDIS_URL=valkey, TIDINGS_HANDLERS="shop")
    assert done.returncode == 1
    assert told in done.stderr


@pytest.mark.parametrize("pool", ["gevent", "celery.concurrency.eventlet:TaskPool", type("TaskPool", (), {})])
def test_a_worker_refuses_the_pools_that_it_cannot_run_in(pool: Any, capsys: pytest.CaptureFixture[str]) -> None:
    if isinstance(pool, type):
        pool.__module__ = "celery.concurrency.gevent"
    with pytest.raises(SystemExit, match="1"):
        refusing.refuse_green_threads({"pool_cls": None, "pool": pool})
    assert "say -P threads" in capsys.readouterr().err
    for fine in (None, "threads", "tasks.plumbing.pool:TaskPool"):
        refusing.refuse_green_threads({"pool": fine})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("-X consume,confirm,handle", "would take from no queue"),
        ("-Q consume -X consume", "would take from no queue"),
        ("-I no.such.module", "-I no.such.module: there is no module of this name"),
        ("--max-tasks-per-child 0", "--max-tasks-per-child has to be 1 or more"),
    ],
)
def test_a_worker_that_could_do_nothing_is_refused(tmp_path: Path, valkey: str, options: str, told: str) -> None:
    done = started(tmp_path, f"worker {options}", TIDINGS_REDIS_URL=valkey, TIDINGS_HANDLERS="handlers")
    assert done.returncode == 1
    assert told in done.stderr


def test_a_pool_of_processes_without_room_for_a_temporary_file_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])
    for processes in (None, "prefork", "celery.concurrency.prefork:TaskPool"):
        with pytest.raises(SystemExit, match="1"):
            refusing.refuse_without_room({"pool": processes})
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("No usable temporary directory found in ['/nowhere']: ")
        assert "set TMPDIR" in line
    refusing.refuse_without_room({"pool": "threads"})


def test_a_pool_of_processes_without_semaphores_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("billiard.synchronize.SemLock.__init__", refuse)
    with pytest.raises(SystemExit, match="1"):
        refusing.refuse_without_room({"pool": "prefork"})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Read-only file system: a pool of processes needs semaphores")
    assert line.endswith("make room there, and have it writable")
    refusing.refuse_without_room({"pool": "threads"})


@pytest.mark.parametrize(("concurrency", "autoscale"), [(20, None), (2, (20, 2)), (4, None), ("auto", None)], ids=str)
def test_more_processes_than_there_are_files_for_are_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], concurrency: Any, autoscale: Any
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 64))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    worker = SimpleNamespace(pool_cls="prefork", concurrency=concurrency, options={"autoscale": autoscale})
    refused = concurrency == 20 or autoscale is not None
    with pytest.raises(SystemExit, match="1") if refused else nullcontext():
        refusing.refuse_without_files(worker)
    told = capsys.readouterr().err
    assert told.splitlines() == (
        [
            "20 processes need 156 open files, and this one may open too few: raise that (`ulimit -n`, systemd's LimitNOFILE=), "
            "or start 4 (-c 4)"
        ]
        if refused
        else []
    )
    refusing.refuse_without_files(SimpleNamespace(pool_cls="threads", concurrency=20, options={}))


def test_a_worker_that_takes_no_messages_to_handle_needs_no_handlers_and_runs_none_of_their_code(
    tidings: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "registry", lambda: pytest.fail("handlers were imported"))
    monkeypatch.setattr(app.amqp.queues, "_consume_from", {"consume": None, "confirm": None})
    starting.import_handlers()
    starting.show_handlers()


def test_a_worker_that_calls_no_platform_reads_no_accounts(tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand of them take each process ten seconds and a hundred megabytes."""
    monkeypatch.setattr(starting, "accounts", lambda: pytest.fail("accounts were read"))
    monkeypatch.setattr(app.amqp.queues, "_consume_from", {"handle": None})
    starting.tell_of_accounts()


def test_a_worker_warns_once_of_a_handler_that_asks_for_more_time_than_a_lease_leaves(
    tidings: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = Registry()

    @made.handles("t", "u", timeout=10)
    def on_any(content: dict) -> None: ...  # type: ignore[type-arg]

    monkeypatch.setattr(starting, "registry", lambda: made)
    starting.warn_of_timeouts.cache_clear()
    starting.show_handlers()
    starting.show_handlers()
    told = [record.getMessage() for record in caplog.records if "asks for timeout=10" in record.getMessage()]
    starting.warn_of_timeouts.cache_clear()
    (said,) = told
    assert "a try has 8 s under the lease of gateway tb (20 s): write timeout=8 or less" in said


@pytest.mark.parametrize("name", ["queues", "exclude_queues"])
def test_spaces_between_the_names_of_queues_are_no_part_of_them(name: str) -> None:
    options: dict[str, Any] = {"queues": None, "exclude_queues": None, name: ["consume", " confirm ", ""]}
    starting.trim_queues(options)
    assert options[name] == ["consume", "confirm"]


def test_a_worker_warns_once_of_a_queue_that_nothing_is_sent_to(
    tidings: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = Registry()

    @made.handles("t", queue="slow")
    def on_any(content: dict) -> None: ...  # type: ignore[type-arg]

    monkeypatch.setattr(starting, "registry", lambda: made)
    monkeypatch.setattr(app.amqp.queues, "_consume_from", dict.fromkeys(("Handel", "slow", "handle", "x")))
    starting.warn_of_queues.cache_clear()
    starting.show_handlers()
    starting.show_handlers()
    starting.warn_of_queues.cache_clear()
    told = [each.getMessage() for each in caplog.records if "takes from the queue" in each.getMessage()]
    assert told == [
        "this worker takes from the queue Handel, which no handler here asks for: did you mean handle?",
        "this worker takes from the queue x, which no handler here asks for",
    ]


def test_a_slip_in_what_a_worker_is_to_leave_out_is_told(
    tidings: Stores, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took from all queues, and nothing said so; a queue that handlers elsewhere ask for is none."""
    monkeypatch.setattr(starting, "_excluded", ["confirm", "handel", "slow"])
    starting.warn_of_queues.cache_clear()
    starting.warn_of_queues()
    starting.warn_of_queues.cache_clear()
    told = [
        each.getMessage() for each in caplog.records if "handel" in each.getMessage() or "slow" in each.getMessage()
    ]
    assert told == ["no queue handel is known here, which -X leaves out: did you mean handle?"]


@pytest.mark.parametrize("given", [{}, {"TIDINGS_HANDLERS": ""}, {"TIDINGS_HANDLERS": " , "}])
@pytest.mark.parametrize("command", ["worker", "up"])
def test_nothing_starts_that_would_confirm_messages_without_code_of_the_users(
    tmp_path: Path, valkey: str, command: str, given: dict[str, str]
) -> None:
    (tmp_path / "accounts.toml").write_text("[gateways]\n[accounts]\n")
    done = started(tmp_path, command, TIDINGS_REDIS_URL=valkey, **given)
    assert done.returncode == 1
    assert "TIDINGS_HANDLERS names no module" in done.stderr
    assert "`handlers` for those that ship, which only log" in done.stderr


def started(folder: Path, command: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """The end of a command that has to refuse within some seconds."""
    words = ["-m", "celery", "-A", "tasks", *command.split(), "-l", "INFO"]
    done = ready.run(words, folder, {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), **settings})
    assert "Traceback" not in done.stderr
    return done
