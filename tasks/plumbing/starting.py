"""What is to be said and done when a worker or a beat starts.

Untested versions and the faults of accounts are logged; a worker's handlers are imported, shown to others and compared with the
topics that there are.
"""

import logging
import os
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache, partial
from typing import Any

from celery.signals import after_setup_logger, celeryd_init, worker_init, worker_process_init, worker_ready
from redis.exceptions import RedisError

from handlers.errors import HandlersError
from handlers.running import coroutine
from tasks import app, garbage
from tasks.accounts import AccountsError
from tasks.logs import about
from tasks.names import CONFIRM, CONSUME, COUNT, HANDLE, WITHOUT_HANDLERS
from tasks.plumbing import beside, housekeeping
from tasks.plumbing.serving import take_too, takes
from tasks.plumbing.versions import untested
from tasks.plumbing.visibility import leases, visibility
from tasks.rules.registries import beside as registered_beside
from tasks.rules.registries import entries, fingerprint
from tasks.rules.timeouts import too_long
from tasks.runtime import accounts, accounts_source, doubted, left_aside, registry, stores
from tasks.settings import passed_over, settings, unknown
from tasks.store.presence import EVERY_SECONDS
from tasks.text import shown

SHOWN_WARNINGS = 10

SHOW_SECONDS = 60.0

TOGETHER_SECONDS = 20
"""Worker and beat of one `up` start within so many seconds."""

log = logging.getLogger(__name__)


@after_setup_logger.connect
def tell_of_versions(**_: Any) -> None:
    """Log when what is installed is not what was tested: what leans on its insides may fail in silence."""
    if told := untested():
        log.warning(
            "this was not tested with what is installed: %s; install what was, or set TIDINGS_STOCK=1",
            told,
            extra=about("versions_untested"),
        )


@after_setup_logger.connect
def tell_of_unknown_settings(**_: Any) -> None:
    """Log which variables look like settings and are none."""
    for told in (*unknown(os.environ), *passed_over(os.environ)):
        warn_once(shown(told, 300))


@after_setup_logger.connect
def tell_of_debugging(**_: Any) -> None:
    """Log that logs may hold buyer data, where somebody asked for that."""
    if settings().debug:
        log.warning(
            "TIDINGS_DEBUG is set: logs show what handlers' errors say, which may be buyer data; unset it in production",
            extra=about("debugging"),
        )


@after_setup_logger.connect
def tell_of_accounts(**_: Any) -> None:
    """Read the accounts and log what is wrong, or could be better, with them; a worker that calls no platform needs none, and a
    beat none of their secrets, which may be where workers are alone."""
    if not any(map(takes, (CONSUME, COUNT, CONFIRM))):
        return
    if not _worker:
        accounts_source().spare_secrets()
    early = accounts_source().said  # when Celery's settings were made, before there was a log
    try:
        found = accounts()
    except AccountsError as error:
        if early:
            log.error("no usable accounts yet: %s", error, extra=about("accounts_unusable"))  # noqa: TRY400 - a fault of a file, not of this code
        return
    log.info(
        "%d accounts, %d gateways",
        len(found.accounts),
        len(found.gateways),
        extra=about("accounts_read", accounts=len(found.accounts), gateways=len(found.gateways)),
    )
    for warning in found.warnings[:SHOWN_WARNINGS]:
        warn_once(warning)


def warn_once(text: str) -> None:
    """Log a warning, unless another process that was started together with this one has done so."""
    try:
        first = stores().told.first("warning", text, TOGETHER_SECONDS)
    except (RedisError, OSError):
        first = True
    if first:
        log.warning("%s", text, extra=about("setup_advice"))


_worker: list[bool] = []
"""True once this process is a worker's; what else sets up Celery's logs is a beat's."""

_excluded: list[str] = []
"""The queues that this worker was told not to take from, with `-X`."""


@celeryd_init.connect
def note_worker(**_: Any) -> None:
    """Remember it: Celery tells before it sets up the logs."""
    _worker[:] = [True]


@celeryd_init.connect
def trim_queues(options: Mapping[str, Any], **_: Any) -> None:
    """Take spaces beside the commas of `-Q` and `-X` for what they are: Celery takes from a queue of that name, ` confirm`."""
    for names in (options.get("queues"), options.get("exclude_queues")):
        if isinstance(names, list):
            names[:] = filter(None, map(str.strip, names))


@celeryd_init.connect
def note_excluded(options: Mapping[str, Any], **_: Any) -> None:
    """Remember them: Celery takes them out before it is known for which queues handlers ask."""
    _excluded[:] = options.get("exclude_queues") or ()


@worker_init.connect
def share_time(**_: Any) -> None:
    """Go by Redis's clock before the pool forks: its processes begin with what is known here."""
    stores()


@worker_init.connect
def import_handlers(**_: Any) -> None:
    """Load the handlers before the pool forks; a worker that runs any must not start without them.

    One that only pulls and confirms imports none: code of the user's can neither end it nor take its memory.
    """
    if takes(HANDLE):
        try:
            registered = entries(registry())
        except HandlersError as error:
            sys.stderr.write(f"{error}\n")
            raise SystemExit(1) from None
        take_too(filter(None, (each.queue for each in registered)), _excluded)
        housekeeping.tell(handlers=fingerprint(registered, registered_beside(registry())))
    show_queues()
    app.set_current()  # an application of the user's own has made itself that
    coroutine.before = partial(beside.enter, app)


@worker_init.connect
@worker_process_init.connect
@worker_ready.connect
def freeze(**_: Any) -> None:
    """Keep the garbage collector from what is loaded: before the pool forks, in each process of it, and once all has started."""
    garbage.freeze()


@housekeeping.every(EVERY_SECONDS, "worker")
def show_queues() -> None:
    """Say from which queues this worker takes; `celery control add_consumer` may have changed that."""
    housekeeping.tell(queues=tuple(app.amqp.queues.consume_from))


@housekeeping.every(SHOW_SECONDS, "worker")
def show_handlers() -> None:
    """Let others see what this worker has registered, and compare it with the topics that there are."""
    if takes(HANDLE):
        stores().registries.put(entries(registry()), registered_beside(registry()))
        warn_of_those_aside()
        warn_of_doubts()
        warn_of_timeouts()
        warn_of_queues()


@cache
def warn_of_those_aside() -> None:
    """Once a process, warn of handlers that are registered where nobody looks for them."""
    for each in left_aside():
        warn_once(shown(each, 500))


@cache
def warn_of_doubts() -> None:
    """Once a process, warn of registered topics that look like slips."""
    for doubt in doubted():
        if doubt.meant:
            log.warning("%s", shown(doubt, 500), extra=about("topic_doubtful"))


@cache
def warn_of_timeouts() -> None:
    """Once a process, warn of handlers that ask for more time than the shortest lease leaves them."""
    for each in too_long(entries(registry()), leases(), visibility()):
        warn_once(shown(each, 500))


@cache
def warn_of_queues() -> None:
    """Once a process, warn of queues that it takes from and that nothing is sent to, as after a slip in `-Q`, and of slips in
    `-X`, which may well name a queue that handlers elsewhere ask for."""
    asked = {each.queue for each in entries(registry()) if each.queue}
    usual = {queue.name for queue in app.conf.task_queues}
    known = asked | usual | WITHOUT_HANDLERS

    def meant(name: str) -> str:
        near = get_close_matches(name.lower(), sorted(known), 1)
        return f": did you mean {shown(near[0])}?" if near else ""

    for name in sorted(set(_excluded) - known):
        if hint := meant(name):
            text = "no queue %s is known here, which -X leaves out%s"
            log.warning(text, shown(name), hint, extra=about("setup_advice"))
    for name in sorted(set(app.amqp.queues.consume_from) - known):
        hint = meant(name)
        log.warning(
            "this worker takes from the queue %s, which no handler here asks for%s",
            shown(name),
            hint,
            extra=about("setup_advice"),
        )
