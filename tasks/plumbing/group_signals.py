"""A signal that reaches a worker's whole group is the main process's to answer.

systemd, Ctrl-C in a terminal and `kill -TERM -GROUP` signal pool processes together with the main process. Celery's end at once
then, in the middle of a handler. Here they do nothing on SIGTERM, as they do nothing on SIGINT with Celery already; the main
process, which now and then has to end one (time limits, `revoke --terminate`, a cold shutdown), does it by `ENDS`.

A child that ignored SIGTERM would have what handlers start ignore it too; a handler that does nothing is not passed on.
"""

import signal
from typing import Any

from billiard import common, pool, popen_fork
from celery.concurrency import prefork
from celery.signals import worker_init, worker_process_init

ENDS = signal.SIGQUIT
"""Billiard's pool processes end by it as they do by SIGTERM: with `SystemExit` in whatever they do."""

_prefork: Any = prefork
_pool: Any = pool
_popen: Any = popen_fork


@worker_init.connect
def end_children_by_another_signal(**_: Any) -> None:
    """In the main process. Who has set REMAP_SIGTERM has chosen already.

    Until a child has made its tracers, Celery would have it end by SIGTERM: a worker that was signalled just then lost it,
    and said so in a traceback. The handler that it inherits from the main process takes note of the signal and does nothing.
    """
    if not common.REMAP_SIGTERM:
        _popen.TERM_SIGNAL = _pool.TERM_SIGNAL = ENDS
        _prefork.WORKER_SIGRESET = set(_prefork.WORKER_SIGRESET) - {"SIGTERM"}


@worker_process_init.connect
def leave_it_to_the_main_process(**_: Any) -> None:
    """In a pool process, before billiard sets its handlers."""
    if common.REMAP_SIGTERM:
        return
    reset = _pool.reset_signals

    def reset_all_but_one(*args: Any, **kwargs: Any) -> None:
        reset(*args, **kwargs)
        signal.signal(signal.SIGTERM, _nothing)

    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # until then
    _pool.reset_signals = reset_all_but_one


def for_children(asked: Any) -> Any:
    """The signal to end a pool process by, when Celery was asked for this one; both by number or name, None for the usual."""
    usual = asked in (None, signal.SIGTERM, "TERM", "SIGTERM")
    return ENDS if usual and not common.REMAP_SIGTERM else asked


def _nothing(*_: object) -> None:
    pass
