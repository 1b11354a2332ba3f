"""What the broker tells: how many tasks wait in each queue, and how many workers answer. "Cannot say" is an answer too."""

from contextlib import suppress
from typing import Any

from kombu.exceptions import KombuError

from tasks import app
from tasks.handling import asked, others

CONNECT_SECONDS = 5
PING_SECONDS = 1.0
"""How long workers get to answer, as with Celery's own `inspect ping`; with many replies expected, nobody knows the last one."""


def depths() -> dict[str, int | None]:
    """How many tasks wait in each of our queues, in the order of their work, and in those that handlers ask for; None where the
    broker cannot say.

    The queues are declared as workers declare them. Asking with `passive` instead, kombu finds no queue in a Redis where
    its keys have a prefix.
    """
    found: dict[str, int | None] = dict.fromkeys(queues())
    with suppress(KombuError, OSError), app.connection_for_read(connect_timeout=CONNECT_SECONDS) as connection:
        connection.ensure_connection(max_retries=1, timeout=CONNECT_SECONDS)
        for name in found:
            with suppress(*connection.connection_errors, *connection.channel_errors), connection.channel() as channel:
                declared: Any = app.amqp.queues[name](channel).queue_declare()
                found[name] = int(declared.message_count)
    return found


def queues() -> list[str]:
    """Our queues by name, and those that handlers of workers that run have asked for."""
    return [queue.name for queue in app.conf.task_queues] + asked.queues(others.registered())


def workers() -> int | None:
    """How many workers answer within `PING_SECONDS`; None when the broker does not carry the question."""
    try:
        return len(app.control.ping(timeout=PING_SECONDS) or ())
    except (KombuError, OSError, NotImplementedError):
        return None
