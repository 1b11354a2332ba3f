"""Celery's way to set up logs, as workers go it: which lines there are at which level, and whose configuration counts."""

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery.app import trace
from celery.app.log import Logging
from celery.exceptions import SoftTimeLimitExceeded
from celery.utils.log import get_task_logger
from celery.worker import strategy

from tasks import app
from tasks.logs.console import WithFields
from tasks.plumbing import logs

SetUp = Callable[..., None]

NAMES = ("", "celery", "celery.task", "celery.redirected", *logs.A_LINE_A_TASK)


@pytest.fixture
def fresh() -> Iterator[SetUp]:
    """Sets up logs as a new process does. Afterwards loggers are as they were."""
    kept = [(log, log.level, log.handlers, log.filters, log.propagate) for log in map(logging.getLogger, NAMES)]
    before = Logging.already_setup

    def set_up(level: str, *theirs: logging.Handler) -> None:
        """With these handlers in place before; pytest's own are in place of nobody's."""
        Logging.already_setup = False
        for name in ("", "celery", "celery.task", "celery.redirected"):
            logging.getLogger(name).handlers = [*theirs] if not name else []
        app.log.setup_logging_subsystem(loglevel=level)

    for log, *_ in kept:
        log.filters = []
        log.setLevel(logging.NOTSET)
    yield set_up
    for log, level, handlers, filters, propagate in kept:
        log.setLevel(level)
        log.handlers, log.filters, log.propagate = handlers, filters, propagate
    Logging.already_setup = before


@pytest.mark.parametrize(("level", "asks"), [("DEBUG", True), ("INFO", False), ("WARNING", False), ("ERROR", False)])
def test_celery_makes_a_line_for_each_task_at_debug_only(fresh: SetUp, level: str, asks: bool) -> None:
    fresh(level)
    for module in (strategy, trace):
        assert module.logger.isEnabledFor(logging.INFO) is asks
        assert module.logger.isEnabledFor(logging.ERROR)
        assert module.logger.isEnabledFor(logging.WARNING) is (level != "ERROR")


def test_at_debug_such_a_line_says_that_it_is_one(fresh: SetUp, caplog: pytest.LogCaptureFixture) -> None:
    fresh("DEBUG")
    logging.getLogger().addHandler(caplog.handler)
    context = {"id": "1", "name": "tidings.handle", "runtime": 0.1, "return_value": "x", "description": "", "exc": ""}
    trace.logger.info(trace.LOG_SUCCESS, context)
    trace.logger.error(trace.LOG_FAILURE, context)
    assert [record.levelname for record in caplog.records] == ["DEBUG", "ERROR"]


def test_who_has_set_a_level_for_these_lines_keeps_it(fresh: SetUp) -> None:
    trace.logger.setLevel(logging.INFO)
    fresh("INFO")
    assert trace.logger.isEnabledFor(logging.INFO)
    assert not strategy.logger.isEnabledFor(logging.INFO)


def test_lines_of_tasks_and_others_have_fields(fresh: SetUp) -> None:
    fresh("INFO")
    [root] = logging.getLogger().handlers
    [of_tasks] = [each for each in logging.getLogger("celery.task").handlers if each.formatter]
    assert isinstance(root.formatter, WithFields)
    assert isinstance(of_tasks.formatter, WithFields)
    record = logging.makeLogRecord({"msg": "left", "event": "unconfirmed", "messages": 3, "levelname": "INFO"})
    assert root.format(record).endswith("] left [unconfirmed messages=3]")
    assert of_tasks.format(record).endswith("???[???]: left [unconfirmed messages=3]")


def fails_with(error: Exception) -> type[logging.Formatter]:
    """A form of lines that none can be written in."""

    class Failing(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            raise error

    return Failing


def ending(by_the_way: Callable[[], None]) -> None:
    """What a handler does that fails and says so by the way."""
    try:
        raise ValueError("what a buyer says")
    finally:
        by_the_way()


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_line_that_cannot_be_written_is_told_of_without_what_a_handler_ends_with(
    fresh: SetUp, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    fresh("INFO")
    monkeypatch.setattr(logs, "settings", lambda: SimpleNamespace(log=form))
    [handler] = logging.getLogger().handlers
    handler.setFormatter(fails_with(OSError("a disk of a buyer"))())
    with suppress(ValueError):
        ending(lambda: logging.getLogger("shop").warning("left"))
    *_, line = told = capfd.readouterr().err.splitlines()
    assert "buyer" not in str(told)
    assert "a line of shop could not be written: OSError at " in line
    assert form == "console" or json.loads(line)["event"] == "line_unwritten"


def test_what_a_thread_of_a_handlers_raises_is_told_without_what_it_says(
    fresh: SetUp, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    fresh("INFO")
    thread = threading.Thread(target=int, args=("Zhang San 13800000000",), name="saver")
    other = threading.Thread(target=sys.exit)
    for each in (thread, other):
        each.start()
        each.join()
    told = capfd.readouterr().err
    [line] = [each for each in told.splitlines() if "thread saver raised ValueError at " in each]
    assert "threading.py:" in line
    assert "Zhang" not in told
    assert "SystemExit" not in told


def test_a_users_own_hook_of_threads_stays(fresh: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    def mine(args: threading.ExceptHookArgs) -> None: ...

    monkeypatch.setattr(threading, "excepthook", mine)
    fresh("INFO")
    assert threading.excepthook is mine


def test_the_end_of_a_handlers_time_that_comes_while_a_line_is_written_ends_it(fresh: SetUp) -> None:
    fresh("INFO")
    [handler] = logging.getLogger().handlers
    handler.setFormatter(fails_with(SoftTimeLimitExceeded(1.0))())
    with pytest.raises(SoftTimeLimitExceeded):
        logging.getLogger("handlers.message").warning("left")


def test_a_configuration_of_the_users_own_stays(fresh: SetUp) -> None:
    theirs = logging.StreamHandler()
    hijack, app.conf.worker_hijack_root_logger = app.conf.worker_hijack_root_logger, False
    try:
        fresh("INFO", theirs)
    finally:
        app.conf.worker_hijack_root_logger = hijack
    assert logging.getLogger().handlers == [theirs]


def test_the_signal_that_hands_logging_over_still_does(fresh: SetUp) -> None:
    from celery.signals import setup_logging

    told: list[object] = []

    def mine(loglevel: object, **_: object) -> None:
        told.append(loglevel)
        logging.getLogger().addHandler(logging.NullHandler())

    setup_logging.connect(mine)
    try:
        fresh("INFO")
    finally:
        setup_logging.disconnect(mine)
    assert told == [logging.INFO]
    assert [type(each) for each in logging.getLogger().handlers] == [logging.NullHandler]
    assert get_task_logger("tasks.handle").parent is logging.getLogger("celery.task")


def test_a_log_file_that_cannot_be_written_is_told_in_a_line(
    fresh: SetUp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nowhere" / "log"
    with pytest.raises(SystemExit) as ended:
        logs.Logs(app).setup_handlers(logging.Logger("any"), str(file), "%(message)s", None)
    assert ended.value.code == os.EX_CANTCREAT
    said = f"ERROR: --logfile: the file cannot be written: [Errno 2] No such file or directory: '{file}'\n"
    assert capsys.readouterr().err == said
