"""Ends a command though a module of handlers has started a thread that is no daemon: Python would wait for its end."""

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import click

from tasks.text import shown

SECONDS = 1.0
"""So long such threads have to end by themselves once the command has done its work."""


@contextmanager
def ended() -> Iterator[None]:
    """Threads that are started inside keep the process for a moment more than the command at the most; its exit code stays."""
    before, code = threading.enumerate(), 1
    try:
        yield
        code = 0
    except BaseException as error:
        code = getattr(error, "exit_code", code)
        raise
    finally:
        if left := [each for each in threading.enumerate() if not each.daemon and each not in before]:
            threading.Thread(target=_end, args=(left, code), daemon=True).start()


def _end(left: Sequence[threading.Thread], code: int) -> None:
    threading.main_thread().join()
    until = time.monotonic() + SECONDS
    for each in left:
        each.join(max(0.0, until - time.monotonic()))
    if names := ", ".join(shown(each.name) for each in left if each.is_alive()):
        click.echo(
            f"ended with a thread that still ran: {names}; what outlives its module is started with daemon=True",
            err=True,
        )
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
