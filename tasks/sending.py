"""Sends the tasks that others than their own module start: by name, so that no module has to import the next one."""

from collections.abc import Sequence
from typing import Any

from tasks import app, clock
from tasks.names import CONFIRM, CONSUME, COUNT
from tasks.rules.lease import Batch
from tasks.settings import settings

HANDING_OUT_SECONDS = 5.0
"""What consume needs besides its call: storing and publishing a batch."""


def claim_seconds() -> float:
    """How long a claim on an account lasts: longer than a poll can take, so that no second one starts meanwhile."""
    return settings().connect_seconds + settings().read_seconds + HANDING_OUT_SECONDS


def until() -> dict[str, float]:
    """The keyword argument of a poll that is sent now: when it is worth nothing any more, as beat sends the next one.

    Celery's own `expires` is the sender's clock judged by the receiver's: 25 s apart, every poll would be dropped.
    """
    return {"until": clock.now() + claim_seconds()}


def consume(account: str) -> None:
    """Have an account polled now. A task that nobody takes until beat would send it again is dropped."""
    app.send_task(CONSUME, (account,), until(), expiration=claim_seconds(), ignore_result=True)


def count(account: str) -> None:
    """Have an account's counter read now."""
    app.send_task(COUNT, (account,), until(), expiration=claim_seconds(), ignore_result=True)


def confirm(results: Sequence[tuple[str, str]], batch: Batch, **more: Any) -> None:
    """Have messages of a batch confirmed without waiting for its chord; `more` is what else the confirm task takes."""
    app.send_task(CONFIRM, (results,), {**batch.to_json(), **more}, ignore_result=True)
