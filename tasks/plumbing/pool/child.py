"""Runs a bundle, in a pool process."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from billiard.einfo import ExceptionInfo
from celery.utils.log import get_logger
from kombu.serialization import loads, prepare_accept_content

from tasks import app
from tasks.logs import about
from tasks.plumbing.ending import asked_to_end
from tasks.plumbing.pool.progress import Progress
from tasks.plumbing.tracing import with_own
from tasks.runtime import stores
from tasks.store.marks import HOLD_SECONDS

log = get_logger(__name__)

ENOUGH_SECONDS = 0.2
"""What has not begun by then goes back: it was to be quick, and one before it was not. Counted from when all are claimed, which
takes a Redis that is far away as long, but not past half of the time that they are claimed for."""

Call = tuple[Callable[..., Any], Sequence[Any]]
"""Celery's tracer and what it takes: name, id and headers of a task, then body, content type and encoding."""

Ended = list[tuple[bool, Any, float]]
"""Of each task that ran, in order: whether its call returned, and what, or `ExceptionInfo`; for how many seconds it waited for
Redis."""

progress: Progress | None = None
"""The main process's, inherited through fork."""


def run(ticket: int, calls: Sequence[Call]) -> Ended:
    """Run tasks one after the other, the first in any case; what those that ran returned.

    What they write to Redis at their ends is not waited for by the next one. Raises `RedisError` when it cannot be written.
    """
    began, ended, answered = time.monotonic(), Ended(), 0

    def watch(all_answered: bool) -> None:
        nonlocal answered
        if all_answered:
            answered = len(ended)
        if progress:
            progress.set(ticket, answered, len(ended))

    with stores().deferred.held(watch):
        if len(calls) > 1:
            calls = together(calls)
        until = min(time.monotonic() + ENOUGH_SECONDS, began + HOLD_SECONDS / 2)
        for target, args in calls:
            if ended and time.monotonic() > until:
                break
            if progress:
                progress.set(ticket, answered, len(ended))
            waited = stores().deferred.waited
            ended.append((*outcome(target, args), stores().deferred.waited - waited))
        stores().marks.let_go()
    return ended


def outcome(target: Callable[..., Any], args: Sequence[Any]) -> tuple[bool, Any]:
    """Run one task: whether its call returned, and what, or `ExceptionInfo`. Raises what this process is to end with."""
    try:
        return True, target(*args)
    except Exception:
        return False, ExceptionInfo()
    except BaseException as error:
        if asked_to_end(error):
            raise
        return False, plain(error)


def plain(error: BaseException) -> ExceptionInfo:
    """What a task raised that is no `Exception`, as one: others would pass for the end of this process, or cannot be pickled."""
    try:
        raise RuntimeError(f"the task raised {type(error).__name__}") from None  # noqa: TRY301 - for its traceback
    except RuntimeError:
        return ExceptionInfo()


def together(calls: Sequence[Call], how: str = "prepare") -> list[Call]:
    """Let the tasks prepare together, with that method of their class; the calls, their bodies decoded once for both.

    What cannot be decoded or prepared is left as it is: it fails by itself then, and the others do not.
    """
    accept = prepare_accept_content(app.conf.accept_content)
    decoded: list[Call] = []
    many: dict[str, list[Any]] = {}
    for target, (name, id_, headers, body, kind, encoding) in calls:
        try:
            content = loads(body, kind, encoding, accept=accept)
            many.setdefault(name, []).append(content[1])
        except Exception:
            decoded.append((target, (name, id_, headers, body, kind, encoding)))
        else:
            decoded.append((target, (name, id_, with_own(headers), content, None, None)))
    for name, arguments in many.items():
        task: Any = app.tasks.get(name)
        try:
            getattr(task, how)(arguments)
        except Exception as error:
            log.warning(
                "%d %s tasks are prepared one by one: %s",
                len(arguments),
                name,
                type(error).__name__,
                extra=about("prepare_failed", task=name, tasks=len(arguments)),
            )
    return decoded
