"""Sends the tasks that others than their own module start: by name, so that no module has to import the next one."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tasks import app, clock
from tasks.names import CONFIRM, CONSUME, COUNT
from tasks.rules.lease import Batch
from tasks.runtime import accounts_source
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


def polls(accounts: Iterable[str]) -> Iterator[tuple[dict[str, float], list[str]]]:
    """Accounts with the keyword arguments of polls of them that are sent now.

    `since`, beside `until`, goes with an account that is new or has changed lately: by the common clock, when this process had
    read it. Whoever has last looked at the accounts before that looks again first. A digest would tell exactly what was read,
    but one of secrets lets weak ones be guessed by whoever sees a queue.
    """
    found: defaultdict[float | None, list[str]] = defaultdict(list)
    now, source = clock.now(), accounts_source()
    for name in accounts:
        ago = source.news(name)
        found[None if ago is None else round(now - ago, 3)].append(name)
    for since, names in found.items():
        yield until() if since is None else until() | {"since": since}, names


def consume(account: str) -> None:
    """Have an account polled now. A task that nobody takes until beat would send it again is dropped."""
    _send(CONSUME, account)


def count(account: str) -> None:
    """Have an account's counter read now."""
    _send(COUNT, account)


def _send(task: str, account: str) -> None:
    for keywords, names in polls([account]):
        app.send_task(task, names, keywords, expiration=claim_seconds(), ignore_result=True)


def confirm(results: Sequence[Sequence[Any]], batch: Batch, **more: Any) -> None:
    """Have messages of a batch confirmed without waiting for its chord; `more` is what else the confirm task takes."""
    app.send_task(CONFIRM, (results,), {**batch.to_json(), **more}, ignore_result=True)
