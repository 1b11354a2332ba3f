"""Runs a bundle, in a pool process."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from billiard.einfo import ExceptionInfo
from celery.utils.log import get_logger
from kombu.serialization import loads, prepare_accept_content

from tasks import app, spoilt
from tasks.logs import about
from tasks.plumbing.ending import asked_to_end
from tasks.plumbing.pool.progress import Progress
from tasks.plumbing.tracing import with_own
from tasks.runtime import stores

log = get_logger(__name__)

ENOUGH_SECONDS = 0.2
"""What has not begun by then goes back: it was to be quick, and one before it was not."""

Call = tuple[Callable[..., Any], Sequence[Any]]
"""Celery's tracer and what it takes: name, id and headers of a task, then body, content type and encoding."""

Ended = list[tuple[bool, Any]]
"""Of each task that ran, in order: whether its call returned, and what, or `ExceptionInfo`."""

progress: Progress | None = None
"""The main process's, inherited through fork."""


class Retired(SystemExit):
    """This process was spoilt, and ends once its main process has this: billiard lets it take no more jobs then.

    `ended` is as ever; `unwell`: the last of them broke outside of its task, so that another process should try it.
    """

    def __init__(self, ended: Ended, unwell: bool) -> None:
        super().__init__(ended, unwell)
        self.ended, self.unwell = ended, unwell


def run(ticket: int, calls: Sequence[Call]) -> Ended:
    """Run tasks one after the other, the first in any case; what those that ran returned.

    What they write to Redis at their ends is not waited for by the next one. Raises `RedisError` when it cannot be written,
    `Retired` in a process that user code has spoilt.
    """
    began, ended, answered, unwell = time.monotonic(), Ended(), 0, False

    def watch(all_answered: bool) -> None:
        nonlocal answered
        if all_answered:
            answered = len(ended)
        if progress:
            progress.set(ticket, answered, len(ended))

    with stores().deferred.held(watch):
        if len(calls) > 1:
            calls = together(calls)
        for target, args in calls:
            if ended and time.monotonic() - began > ENOUGH_SECONDS:
                break
            if progress:
                progress.set(ticket, answered, len(ended))
            ended.append(outcome(target, args))
            unwell = noted(ended[-1])
            if spoilt.why():
                break
        stores().marks.let_go()
    if spoilt.why():
        retire()
        raise Retired(ended, unwell)
    return ended


def noted(ended: tuple[bool, Any]) -> bool:
    """Whether a task broke outside of itself; that this process is spoilt, then."""
    returned, value = ended
    if not returned:
        spoilt.by(value.exception.exc)
    return not returned and bool(spoilt.why())


def retire() -> None:
    """Tell that this process ends, and why."""
    text = "a handler has spoilt its process for others (%s in Tidings' own code): another process takes its place"
    with suppress(Exception):  # what is spoilt may be the log
        log.error(text, spoilt.why(), extra=about("process_spoilt", error=spoilt.why()))


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
