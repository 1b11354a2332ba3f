"""Imports the user's handler modules once a process: at a worker's start, so that a mistake in them is seen there."""

import sys
from functools import cache
from typing import Any

from celery.signals import worker_init

from handlers.load import HandlersError, load
from handlers.registry import Registry
from handlers.registry import registry as default
from tasks.settings import settings


@cache
def registry() -> Registry:
    """The registry with every module of TIDINGS_HANDLERS imported. Raises `HandlersError` when one cannot be."""
    load(settings().handlers.split(","))
    return default


@worker_init.connect
def import_handlers(**_: Any) -> None:
    """Load the handlers before the pool forks; a worker without them must not start."""
    try:
        registry()
    except HandlersError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None
