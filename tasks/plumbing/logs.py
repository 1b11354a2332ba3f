"""Celery's way to set up logs, made ours: whole lines, fields, JSON where TIDINGS_LOG asks for it, one line a batch at INFO.

A logging configuration of the user's own (the signal `setup_logging`, or handlers that the root logger has when
`worker_hijack_root_logger` is off) is left as it is. A test fails when a release changes what this leans on.
"""

import logging
import sys
import threading
from contextlib import suppress
from importlib import import_module
from traceback import extract_tb
from typing import Any

from celery._state import get_current_task
from celery.app import trace
from celery.app.log import Logging, TaskFormatter
from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import celeryd_after_setup, celeryd_init
from celery.utils.log import ColorFormatter, LoggingProxy

from tasks.logs import about
from tasks.logs.console import WithFields
from tasks.plumbing.lines import Lines
from tasks.settings import settings

log = logging.getLogger(__name__)

A_LINE_A_TASK = ("celery.worker.strategy", "celery.app.trace")
"""Celery's loggers that tell each task's arrival and end at INFO. What they warn of, they still tell."""

EVENTS = {
    trace.LOG_RECEIVED: "task_received",
    trace.LOG_SUCCESS: "task_succeeded",
    trace.LOG_RETRY: "task_retried",
    trace.LOG_FAILURE: "task_failed",
    trace.LOG_IGNORED: "task_ignored",
    trace.LOG_REJECTED: "task_rejected",
}
"""The events by Celery's own texts."""

QUIET = frozenset({"task_received", "task_succeeded", "task_retried"})
"""These are for DEBUG: a batch has a line of its own, and what fails has one too."""


NOBODYS = ("threading", "_thread", "tasks.logs.streams")
"""Whose the hook for what threads raise is, while no user has set another."""


class Console(WithFields, ColorFormatter):
    """Celery's form, with fields."""


class TaskConsole(WithFields, TaskFormatter):
    """The same for lines of tasks, which name their task."""


FORMATTERS: dict[Any, type[logging.Formatter]] = {ColorFormatter: Console, TaskFormatter: TaskConsole}


class Logs(Logging):
    """Celery's, with the forms of lines that are ours."""

    def setup_logging_subsystem(self, *args: Any, **options: Any) -> Any:
        """Set up logs, whoever does it in the end, and have no line for every task unless DEBUG asks for it."""
        found = super().setup_logging_subsystem(*args, **options)
        for name in A_LINE_A_TASK:
            hush(logging.getLogger(name))
        if getattr(threading.excepthook, "__module__", "") in NOBODYS:
            threading.excepthook = thread_raised
        return found

    def setup_handlers(
        self,
        logger: logging.Logger,
        logfile: Any,
        format: str,  # noqa: A002 - Celery's name
        colorize: Any,
        formatter: Any = ColorFormatter,
        **options: Any,
    ) -> logging.Logger:
        """Give a logger a handler, unless it has one."""
        if self._is_configured(logger):  # type: ignore[attr-defined]
            return logger
        options["formatter"] = FORMATTERS.get(formatter, formatter)
        try:
            if settings().log == "json":
                logger.addHandler(self._json_handler(logfile))
                return logger
            super().setup_handlers(logger, logfile, format, colorize, **options)
        except OSError as error:
            from tasks.plumbing.banner import end  # not where all is well: it takes Celery's programs along

            end("--logfile", error)
        for handler in logger.handlers:
            handler.handleError = unwritten  # type: ignore[method-assign]
        return logger

    def _json_handler(self, logfile: Any) -> logging.Handler:
        from tasks.logs import json_lines, streams  # not where nobody wants JSON: structlog takes its time

        streams.as_json()
        handler: logging.Handler = self._detect_handler(  # type: ignore[attr-defined]
            streams.beneath(sys.__stderr__) if logfile is None else logfile
        )
        handler.setFormatter(json_lines.formatter())
        handler.addFilter(translated)
        handler.handleError = unwritten  # type: ignore[method-assign]
        return handler

    def redirect_stdouts_to_logger(
        self, logger: logging.Logger, loglevel: Any = None, stdout: bool = True, stderr: bool = True
    ) -> LoggingProxy:
        """Have what is printed logged, by this logger at this level."""
        proxy = Lines(logger, loglevel)
        if stdout:
            sys.stdout = proxy
        if stderr:
            sys.stderr = proxy
        return proxy


def thread_raised(args: threading.ExceptHookArgs) -> None:
    """Tell of what a thread has raised and nobody caught, as one that a handler has started: where, and never what that says."""
    if args.exc_type is SystemExit:  # Python ignores it too
        return
    name, frames = args.thread.name if args.thread else "?", reversed(extract_tb(args.exc_traceback))
    at = ", called at ".join(f"{frame.filename}:{frame.lineno}" for frame in frames)
    error = (args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback) if settings().debug else None
    told = about("thread_raised", thread_name=name, error=args.exc_type.__name__)
    log.error("thread %s raised %s at %s", name, args.exc_type.__name__, at or "?", exc_info=error, extra=told)


def unwritten(record: logging.LogRecord) -> None:
    """Called for a line that cannot be written: say so, and where.

    The standard library prints the whole chain of exceptions, in which there is the one that a handler is about to end with: what
    it says may be a buyer's. And it would swallow the end of a handler's time that comes while a line is written.
    """
    kind, error, trace = sys.exc_info()
    if isinstance(error, SoftTimeLimitExceeded):
        raise error
    from tasks.logs import streams

    (*_, place), name = extract_tb(trace), kind.__name__ if kind else "?"
    told = f"a line of {record.name} could not be written: {name} at {place.filename}:{place.lineno}"
    as_json = settings().log == "json"
    with suppress(OSError, ValueError, AttributeError):
        streams.beneath(sys.__stderr__).write(
            streams.line(told, extra=about("line_unwritten")) if as_json else f"{told}\n"
        )


def hush(logger: logging.Logger) -> None:
    """Leave out what a logger says at INFO, where nobody asked for more, or for its own level. Celery asks once, before it makes
    the text of a line."""
    if logger.level == logging.NOTSET and logging.DEBUG < logger.getEffectiveLevel() < logging.WARNING:
        logger.setLevel(logging.WARNING)
    if quiet not in logger.filters:
        logger.addFilter(quiet)


def quiet(record: logging.LogRecord) -> bool:
    """Call a line for every task what it is, one for DEBUG."""
    if record.levelno == logging.INFO and EVENTS.get(str(record.msg)) in QUIET:
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return True


def translated(record: logging.LogRecord) -> bool:
    """Give Celery's lines events and fields: which task they are about, or within which one they were said."""
    said = getattr(record, "data", None)
    if record.name in A_LINE_A_TASK and isinstance(said, dict):
        named = about(EVENTS.get(str(record.msg), "log"), task=said.get("name"), task_id=said.get("id"))
        record.__dict__.update(named, seconds=said.get("runtime"))
    elif record.name == "celery.redirected":
        record.__dict__.update(about("printed"))
    elif (task := get_current_task()) and task.request.id:
        record.__dict__.update(task=task.name, task_id=task.request.id)
    return True


@celeryd_init.connect
def without_banner(instance: Any, **_: Any) -> None:
    """Where lines are JSON, one tells what the banner would tell in thirty. That of beat is short, and comes as it is printed."""
    if settings().log == "json":
        instance.quiet = True


@celeryd_after_setup.connect
def in_its_place(sender: str, instance: Any, **_: Any) -> None:
    """Where lines are JSON, have Celery print none that are not, and tell what its banner would have told."""
    if settings().log == "json":
        program: Any = import_module("celery.apps.worker")  # not where nobody starts a worker
        program.safe_say = said
        pool = instance.pool_cls.__module__.rpartition(".")[2]
        queues = sorted(instance.app.amqp.queues.consume_from)
        fields = about("worker_started", worker=sender, pool=pool, concurrency=instance.concurrency, queues=queues)
        logging.getLogger(__name__).info("worker %s begins", sender, extra=fields)


def said(text: str, _stream: Any = None) -> None:
    """What Celery says inside signal handlers."""
    from tasks.logs import streams

    streams.at_once(str(text), about("worker_stopping"))
