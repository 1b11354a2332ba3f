"""Logs how long each handler took: in one line a message, which is a warning from `TIDINGS_TIMING_SLOW_SECONDS` on (5).

Off until `TIDINGS_HANDLERS` names it, as in `TIDINGS_HANDLERS=handlers.timing,shop`. Arounds that are named behind it are part of
the time.
"""

import logging
import time
from collections.abc import Iterator

from handlers.environment import seconds
from handlers.message import Message
from handlers.registry import around
from handlers.text import about, fields, kind

SLOW_SECONDS = seconds("TIDINGS_TIMING_SLOW_SECONDS", 5)

log = logging.getLogger(__name__)


@around
def timed(message: Message) -> Iterator[None]:
    """Measure by a clock that nobody sets, and tell how it ended."""
    began, ended = time.perf_counter(), "handled"
    try:
        yield
    except BaseException as error:
        ended = f"ended with {kind(error)}"
        raise
    finally:
        took = time.perf_counter() - began
        level = logging.WARNING if took >= SLOW_SECONDS else logging.INFO
        known = fields("handler_timed", message) | {"seconds": took}
        log.log(level, "%s %s in %.3f s", about(message), ended, took, extra=known)
