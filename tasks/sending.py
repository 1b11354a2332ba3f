"""Sends the two tasks that others than their own module start: by name, so that no module has to import the next one."""

from collections.abc import Iterable, Sequence
from typing import Any

from celery.utils import uuid

from tasks import app
from tasks.names import CONFIRM, CONSUME, COUNT
from tasks.settings import settings

HANDING_OUT_SECONDS = 5.0
"""What consume needs besides its call: storing and publishing a batch."""


def claim_seconds() -> float:
    """How long a claim on an account lasts: longer than a poll can take, so that no second one starts meanwhile."""
    return settings().connect_seconds + settings().read_seconds + HANDING_OUT_SECONDS


def consume(account: str) -> None:
    """Have an account polled now. A task that nobody takes until beat would send it again is dropped."""
    app.send_task(CONSUME, (account,), expires=claim_seconds(), ignore_result=True)


def count(account: str) -> None:
    """Have an account's counter read now."""
    app.send_task(COUNT, (account,), expires=claim_seconds(), ignore_result=True)


def poll_all(task: str, accounts: Iterable[str]) -> None:
    """Send `tidings.consume` or `tidings.count` for each account, as `consume` and `count` do, at a quarter of the cost.

    The tasks of one call differ in id and account only, so their message is made once; signals are sent for each task, and
    the queue is declared with the first. Everything goes out together; a broker that cannot batch gets each at once.
    Raises what `batch` raises.
    """
    amqp, expires = app.amqp, claim_seconds()
    headers, properties, (_, kwargs, embed), event = amqp.create_task_message(
        "",
        task,
        expires=expires,
        ignore_result=True,
        reply_to=app.thread_oid,
        create_sent_event=app.conf.task_send_sent_event,
    )
    options: dict[str, Any] = amqp.router.route({"expiration": expires}, task)
    with app.batch(), app.producer_or_acquire() as producer:
        for account in accounts:
            id_, arguments = uuid(), (account,)
            own = {"id": id_, "root_id": id_, "argsrepr": repr(arguments)}
            told = event and {**event, "uuid": id_, "root_id": id_, "args": own["argsrepr"]}
            message = ({**headers, **own}, {**properties, "correlation_id": id_}, (arguments, kwargs, embed), told)
            amqp.send_task_message(producer, task, message, **options)
            options["declare"] = []


def confirm(results: Sequence[tuple[str, str]], about: dict[str, object]) -> None:
    """Have messages confirmed without waiting for a chord; `about` is what the confirm task takes besides the results."""
    app.send_task(CONFIRM, (results,), about, ignore_result=True)
