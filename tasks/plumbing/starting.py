"""What is to be said and done when a process starts: untested versions and the faults of accounts are logged, a worker's
handlers are imported."""

import logging
import sys
from typing import Any

from celery.signals import after_setup_logger, worker_init

from handlers.errors import HandlersError
from tasks.accounts import AccountsError
from tasks.plumbing.versions import untested
from tasks.runtime import accounts, registry
from tasks.settings import settings

SHOWN_WARNINGS = 10

log = logging.getLogger(__name__)


@after_setup_logger.connect
def tell_of_versions(**_: Any) -> None:
    """Log when what is installed is not what was tested: what leans on its insides may fail in silence."""
    if told := untested():
        log.warning("this was not tested with what is installed: %s; install what was, or set TIDINGS_STOCK=1", told)


@after_setup_logger.connect
def tell_of_debugging(**_: Any) -> None:
    """Log that logs may hold buyer data, where somebody asked for that."""
    if settings().debug:
        log.warning(
            "TIDINGS_DEBUG is set: logs show what handlers' errors say, which may be buyer data; unset it in production"
        )


@after_setup_logger.connect
def tell_of_accounts(**_: Any) -> None:
    """Log what was wrong, or could be better, with the accounts when Celery's settings were made, before there was a log."""
    try:
        found = accounts()
    except AccountsError as error:
        log.error("no usable accounts yet: %s", error)  # noqa: TRY400 - a fault of a file, not of this code
        return
    log.info("%d accounts, %d gateways", len(found.accounts), len(found.gateways))
    for warning in found.warnings[:SHOWN_WARNINGS]:
        log.warning("%s", warning)


@worker_init.connect
def import_handlers(**_: Any) -> None:
    """Load the handlers before the pool forks; a worker without them must not start."""
    try:
        registry()
    except HandlersError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None
