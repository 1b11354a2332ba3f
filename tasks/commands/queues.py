"""Queues that no worker takes from, and what starts one that does."""

from collections.abc import Iterable, Sequence

from tasks.commands.sentences import PULL_WORKER, Said, Sentence
from tasks.names import WITHOUT_HANDLERS
from tasks.store.presence import Presence
from tasks.text import shown


def unserved(queues: Iterable[str], workers: Sequence[Presence]) -> list[str]:
    """From which of these queues none of these workers takes; none, where one of them does not say or there is none."""
    taken = {queue for worker in workers for queue in worker.queues}
    known = bool(workers) and all(worker.queues for worker in workers)
    return [queue for queue in queues if known and queue not in taken]


def starting(queue: str) -> str:
    """The command that starts a worker which takes from a queue."""
    return PULL_WORKER if queue in WITHOUT_HANDLERS else f"`celery -A tasks worker -Q {shown(queue)}`"


def said_unserved(queue: str) -> Said:
    """That no worker takes from a queue."""
    return Said(Sentence.QUEUE_UNSERVED, {"queue": shown(queue), "command": starting(queue)})
