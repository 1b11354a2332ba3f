"""Confirms what the outcomes of a batch allow, then closes the batch; the last of the three tasks.

The chord's callback: `results` holds receipt and outcome of every handle task. Only what is found there, or was settled
before any handler ran, is confirmed (guarantee 1). A confirm that fails is tried again while the lease allows; then the
messages come again, are known by their marks, and are confirmed with their next batch. Of a batch that a few messages hold up,
what is done is confirmed before (`tasks/handling/stragglers.py`), and only the rest with the callback.
"""

import logging
from collections.abc import Mapping
from typing import Any, NoReturn

from celery import Task
from celery.utils.log import get_task_logger

from tasks import app, clock, sending
from tasks.calling import calls
from tasks.confirming import whose
from tasks.confirming.counting import Results, allowed, count, measured, taken_by
from tasks.confirming.telling import LONGEST, Came, leave, tell, tell_part
from tasks.handling import failing, spans
from tasks.logs import about
from tasks.names import CONFIRM, SALVAGE
from tasks.plumbing.telling import TellingTask
from tasks.plumbing.visibility import visibility
from tasks.pulling import holding_back
from tasks.rules.lease import Batch, retry_delay
from tasks.rules.measures import Numbers
from tasks.runtime import stores
from tasks.text import plain, shown

log = get_task_logger(__name__)

KILLED = "a handler was killed, as it ran on past its time limit, or its task was revoked"


@app.task(name=CONFIRM, bind=True, base=TellingTask, max_retries=None)
def confirm(
    self: Task,  # type: ignore[type-arg]
    /,
    results: Results,
    account: str,
    batch: str,
    pulled: float,
    lease: float,
    alone: bool = False,
    receipts: list[str] | None = None,
    partial: bool = False,
    traceparent: str = "",
    gateway: str = "",
    platform: str = "",
    group: str = "",
    outcomes: dict[str, int] | None = None,
    **_later: Any,
) -> None:
    """Confirm one batch's messages, or those that a failed try has left (`receipts`).

    `alone` marks a message that was tried apart from its batch, which has long been closed, `partial` that `receipts` are done
    while their batch is open. `outcomes` are the numbers of them, for a try after the first. What only a later release sends is
    left out, here and in the results.
    """
    its = Batch(account, batch, pulled, lease, traceparent, gateway, platform, group)
    if partial:
        confirm_part(its, receipts or [])
        return
    opened, ends = None if alone else stores().batches.get(batch), Numbers()
    if receipts is None:
        receipts, outcomes = allowed(results, account, opened)
        ends = measured(results, its, opened)
    stores().clock.keep()
    came = perform(its, receipts, self.request.retries)
    ends |= taken_by(its, came.taken)
    if alone:
        stores().measures.once(ends, 2 * lease, batch, *receipts)
    if came.left and clock.now() < its.confirm_until:
        given_up(its, len(came.refused), came.why)
        if opened:
            stores().batches.confirmed(opened, came.taken, ends, counted=True)
        try_again(self, its, came, outcomes)
    given_up(its, len(came.refused) + len(came.left), came.why)
    free_call(its, came)
    tell_of(its, len(came.taken), outcomes or {})
    if not alone:
        close(its, ends)


def close(batch: Batch, ends: Numbers) -> None:
    """Close a batch, with what its messages came to; an account that is held back is polled, unless it would be so again."""
    named = batch.handing_out
    left = stores().batches.close(batch.id, batch.account, ends, ends=batch.ends, lease=batch.lease, handing_out=named)
    if left is None:
        return
    shop = whose.account(batch)
    if shop is None or not holding_back.expected(shop, left):  # else it is due when that may be over
        sending.consume(batch.account)


def perform(batch: Batch, receipts: list[str], tries: int) -> Came:
    """Have these confirmed, after so many tries, where there is somebody to be told, and tell what became of that."""
    began, shop = clock.now(), whose.account(batch)
    came = tell(shop, batch.id, receipts, tries) if shop else leave(batch, receipts)
    if came.taken and began >= batch.ends:
        count(batch, "late_confirms", len(came.taken))
    spans.confirmed(batch, began, len(receipts), len(receipts) - len(came.taken))
    return came


def try_again(task: Task, batch: Batch, came: Came, outcomes: dict[str, int] | None) -> NoReturn:  # type: ignore[type-arg]
    """Put off what is left. Why, another line has told, unless the gateway's limits had no call for it."""
    messages = len(came.left)
    seconds = min(max(came.wait, retry_delay(task.request.retries + 1)), visibility() / 2)
    told = about("confirm_put_off", **fields_of(batch), messages=messages, seconds=seconds)
    log.info("%s: a confirm of %d is put off for %.1f s", shown(batch.account), messages, seconds, extra=told)
    again = {**(task.request.kwargs or {}), "receipts": came.left, "outcomes": outcomes}
    raise task.retry(args=([],), kwargs=again, countdown=seconds)


def given_up(batch: Batch, messages: int, why: str) -> None:
    """Say and count that so many messages, if any, are not confirmed, and why not."""
    if not messages:
        return
    told = about("unconfirmed", **fields_of(batch), messages=messages)
    words = "%s: %d messages could not be confirmed; they come again: %s"
    log.error(words, shown(batch.account), messages, shown(why, LONGEST), extra=told)
    count(batch, "unconfirmed", messages, why)


def free_call(batch: Batch, came: Came) -> None:
    """Free the call that was kept for the confirm of a batch, where none that was made has used it."""
    shop = whose.account(batch)
    if shop and not came.taken and came.why:
        calls.unneeded(shop)


def tell_of(batch: Batch, confirmed: int, outcomes: Mapping[str, int]) -> None:
    """The one line that the log has at INFO of a batch, or of a message that was tried apart from it."""
    if log.isEnabledFor(logging.INFO):
        seconds = round(clock.now() - batch.pulled, 3)
        counts = {"pulled": sum(outcomes.values()), "confirmed": confirmed, **outcomes}
        told = about("batch_confirmed", **fields_of(batch), seconds=seconds, **counts)
        log.info("%d confirmed", confirmed, extra=told)


def fields_of(batch: Batch) -> dict[str, str | None]:
    """The fields of every line about a batch."""
    return {"account": batch.account, "gateway": batch.gateway or None, "batch": batch.id}


@app.task(name=SALVAGE, base=TellingTask)
def salvage(_request: Any, _error: Any, _traceback: Any, **fields: Any) -> None:
    """Save a batch whose chord broke because a handler had to be killed: what has returned, or its mark says is done with, is
    confirmed.

    Celery calls this where the last header ended, with that task's request, the error and its traceback.
    """
    batch = Batch.from_json(fields)
    found = stores().batches.get(batch.id)
    waiting = found.waiting if found else ()
    over = stores().marks.over([names for _, names in waiting])
    returned = {value[0]: value for value in stores().parts.ended(batch.id) if value}
    results = [
        returned.get(plain(receipt)) or (plain(receipt), "handled" if done else "failed")
        for (receipt, _), done in zip(waiting, over, strict=True)
    ]
    log.warning(
        "%s: a handler was killed; %d of %d messages of its batch are saved",
        shown(batch.account),
        sum(over),
        len(over),
        extra=about("batch_salvaged", account=batch.account, batch=batch.id, done=sum(over), messages=len(over)),
    )
    failing.count(batch.account, "", KILLED, gateway=batch.gateway)
    sending.confirm(results, batch)


def confirm_part(batch: Batch, receipts: list[str]) -> None:
    """Confirm messages of an open batch, and note that with it. One try: what fails is left to the batch's own confirm."""
    shop, opened = whose.account(batch), stores().batches.get(batch.id)
    if not shop or not opened or opened.confirmed or opened.batch.pulled != batch.pulled:
        return
    began = clock.now()
    if done := tell_part(shop, batch.id, receipts):
        spans.confirmed(batch, began, len(done))
        stores().batches.confirmed(opened, done, taken_by(batch, done))
