"""Which tasks this worker takes, and from which queues."""

from collections.abc import Iterable
from typing import Any

from tasks import app
from tasks.names import HANDLE, WITHOUT_HANDLERS


def takes(task: str) -> bool:
    """Whether this worker takes tasks of this name; true in every process that is no worker's.

    Handlers run in each worker that takes from any queue but those of the other tasks: they may ask for queues of their own.
    """
    taken = app.amqp.queues.consume_from
    if task == HANDLE:
        return not WITHOUT_HANDLERS.issuperset(taken)
    return app.amqp.router.route({}, task)["queue"].name in taken


def take_too(names: Iterable[str], excluded: Iterable[str] = ()) -> None:
    """Take from these queues as well, as a worker does that was not told from which (`-Q`), but from none that it excludes."""
    queues: Any = app.amqp.queues  # its types leave out what `-Q` has chosen
    if queues._consume_from is None:
        for name in set(names) - set(excluded):
            queues.select_add(queues[name])
