"""`os._exit`, which ends a process without a word: who starts a worker, or tries a handler, would see nothing at all."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

TOLD = (
    "{place} calls os._exit({code}) while it is imported for handlers, which ends this process: "
    "correct the module, or TIDINGS_HANDLERS"
)


@contextmanager
def ends_told() -> Iterator[None]:
    """Inside, code of the user's is imported. A process that ends there has loaded nothing, so it ends as one that failed."""
    leave, process, here = os._exit, os.getpid(), True

    def told(status: int) -> NoReturn:
        if here and os.getpid() == process:  # not a fork that ends as it should
            frame = sys._getframe(1)
            place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
            os.write(2, f"Error: {TOLD.format(place=place, code=status)}\n".encode(errors="backslashreplace"))
            status = status or 1
        leave(status)

    os._exit = told
    try:
        yield
    finally:
        here = False
        if os._exit is told:
            os._exit = leave
