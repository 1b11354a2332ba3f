"""One trace a batch, where `TIDINGS_HANDLERS` names `handlers.tracing`: its pull, the run of each handler, its confirms.

The trace begins with the pull, and its place in it travels with the batch (`traceparent`). A worker that only pulls and confirms
imports no handlers: here it is seen what is named. Whatever is wrong with tracing is told once a process and costs no message.
"""

import importlib
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import ModuleType

from handlers.errors import HandlersError
from tasks import clock
from tasks.logs import about
from tasks.rules.lease import Batch
from tasks.settings import settings

NAME = "handlers.tracing"

log = logging.getLogger(__name__)


def pulled(batch: Batch, messages: int) -> Batch:
    """The batch with its place in a trace that begins with its pull; as it is where nothing is traced."""
    if tracing() is None:
        return batch
    took = clock.now() - batch.pulled
    return replace(batch, traceparent=_tell(lambda on: on.pulled(batch.account, batch.id, messages, took)) or "")


def confirmed(batch: Batch, began: float, receipts: int, left: int = 0) -> None:
    """Tell of a confirm that began then and is over now; `left` of its receipts are not confirmed."""
    if receipts and tracing() is not None:
        took = clock.now() - began
        _tell(lambda on: on.confirmed(batch.account, batch.id, receipts, left, took, batch.traceparent))


@cache
def tracing() -> ModuleType | None:
    """What tells of spans, where it is named and can be used."""
    if NAME not in map(str.strip, settings().handlers.split(",")):
        return None
    try:
        return importlib.import_module(NAME)
    except HandlersError as error:
        log.warning("nothing is traced here: %s", error, extra=about("tracing_off"))
        return None


def _tell(how: Callable[[ModuleType], str | None]) -> str | None:
    on = tracing()
    try:
        return how(on) if on else None
    except Exception as error:
        _warn(type(error).__name__)
        return None


@cache
def _warn(kind: str) -> None:
    log.warning("a span could not be told: %s", kind, extra=about("span_lost"))
