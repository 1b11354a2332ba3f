"""Loggers that a user's configuration of logging would silence without meaning to."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

OURS = frozenset({"tasks", "handlers", "tidings_cli", "celery", "kombu"})
"""First parts of names: everything that tells what becomes of messages."""


@contextmanager
def loggers_kept() -> Iterator[None]:
    """Inside, code of the user's is imported or makes a resource, which may call `dictConfig` or `fileConfig` of
    `logging.config`: unless told otherwise these disable every logger that is there already. Afterwards ours are as they were.
    """
    disabled = [each for each in _ours() if each.disabled]
    try:
        yield
    finally:
        for each in _ours():
            each.disabled = each in disabled


def _ours() -> list[logging.Logger]:
    known = list(logging.root.manager.loggerDict.items())
    return [each for name, each in known if name.partition(".")[0] in OURS and isinstance(each, logging.Logger)]
