"""Confirms what the outcomes of a batch allow, then closes the batch; the last of the three tasks.

The chord's callback: `results` holds receipt and outcome of every handle task. Only what is found there, or was settled
before any handler ran, is confirmed (guarantee 1). A confirm that fails is tried again while the lease allows; then the
messages come again, are known by their marks, and are confirmed with their next batch. Of a batch that a few messages hold up,
what is done is confirmed before (`tasks/handling/stragglers.py`), and only the rest with the callback.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from celery import Task
from celery.utils.log import get_task_logger

from tasks import app, clock, runtime, sending
from tasks.accounts import Account, VvtoolAccount
from tasks.calling import calls, pausing
from tasks.calling.errors import NotNow
from tasks.handling import failing, spans
from tasks.logs import about
from tasks.names import CONFIRM, SALVAGE
from tasks.platforms import http
from tasks.platforms.clients import client_for
from tasks.platforms.errors import BadRequest, PlatformError, Unauthorised
from tasks.plumbing.telling import TellingTask
from tasks.plumbing.visibility import visibility
from tasks.rules import measures
from tasks.rules.lease import Batch, confirm_seconds, retry_delay
from tasks.rules.measures import Numbers
from tasks.rules.narrowing import narrowed
from tasks.rules.outcomes import confirmable
from tasks.runtime import stores
from tasks.store.batches import Open
from tasks.store.chunks import chunks
from tasks.store.troubles import Trouble
from tasks.text import plain, shown, unplain

log = get_task_logger(__name__)

Results = Sequence[Sequence[Any]]
"""Of each message its receipt and outcome, and how long it took a handler that returned; a later version may say more."""

LONGEST = 500
"""Characters of what a platform says that are passed on."""
NO_CALL = "the gateway's limits, or its platform's, left no call for it in time"


@dataclass(slots=True)
class Came:
    """What came of a confirm's calls: the receipts that the platform took, those that it refuses for good, and why the last call
    that brought nothing did not."""

    taken: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    why: str = ""


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
    outcomes: dict[str, int] | None = None,
    **_later: Any,
) -> None:
    """Confirm one batch's messages, or those that a failed try has left (`receipts`).

    `alone` marks a message that was tried apart from its batch, which has long been closed, `partial` that `receipts` are done
    while their batch is open. `outcomes` are the numbers of them, for a try after the first. What only a later release sends is
    left out, here and in the results.
    """
    its = Batch(account, batch, pulled, lease, traceparent, gateway)
    if partial:
        confirm_part(its, receipts or [])
        return
    opened, ends = None if alone else stores().batches.get(batch), Numbers()
    if receipts is None:
        receipts, outcomes = allowed(results, account, opened)
        ends = measured(results, its, opened)
    stores().clock.keep()
    came = Came()
    left, wait = perform(its, receipts, came)
    ends |= taken_by(its, came.taken)
    if alone:
        stores().measures.once(ends, 2 * lease, batch, *receipts)
    if left and clock.now() < its.confirm_until:
        given_up(its, len(came.refused), came.why)
        if opened:
            stores().batches.confirmed(opened, came.taken, ends, counted=True)
        pause = min(max(wait, retry_delay(self.request.retries + 1)), visibility() / 2)
        again = {**(self.request.kwargs or {}), "receipts": left, "outcomes": outcomes}
        put_off(its, len(left), pause)
        raise self.retry(args=([],), kwargs=again, countdown=pause)
    given_up(its, len(came.refused) + len(left), came.why)
    free_call(its, came)
    tell_of(its, len(came.taken), outcomes or {})
    if not alone and stores().batches.close(batch, account, ends, ends=its.ends, lease=lease):
        sending.consume(account)


def perform(batch: Batch, receipts: list[str], came: Came) -> tuple[list[str], float]:
    """Have `tell` confirm these, unless their account is gone, and tell what became of that."""
    began, shop = clock.now(), runtime.account(batch.account)
    left, wait = tell(shop, batch.id, receipts, came) if shop else ([], 0.0)
    if not shop:
        stores().inbox.settle(batch.account, batch.id, receipts)
    if came.taken and began >= batch.ends:
        count(batch, "late_confirms", len(came.taken))
    spans.confirmed(batch, began, len(receipts), len(receipts) - len(came.taken))
    return left, wait


def given_up(batch: Batch, messages: int, why: str) -> None:
    """Say and count that so many messages, if any, are not confirmed, and why not."""
    if not messages:
        return
    told = about("unconfirmed", **whose(batch), messages=messages)
    words = "%s: %d messages could not be confirmed; they come again: %s"
    log.error(words, shown(batch.account), messages, shown(why, LONGEST), extra=told)
    count(batch, "unconfirmed", messages, why)


def free_call(batch: Batch, came: Came) -> None:
    """Free the call that was kept for the confirm of a batch, where none that was made has used it."""
    shop = runtime.account(batch.account)
    if shop and not came.taken and came.why:
        calls.unneeded(shop)


def tell_of(batch: Batch, confirmed: int, outcomes: Mapping[str, int]) -> None:
    """The one line that the log has at INFO of a batch, or of a message that was tried apart from it."""
    if log.isEnabledFor(logging.INFO):
        seconds = round(clock.now() - batch.pulled, 3)
        counts = {"pulled": sum(outcomes.values()), "confirmed": confirmed, **outcomes}
        told = about("batch_confirmed", **whose(batch), seconds=seconds, **counts)
        log.info("%d confirmed", confirmed, extra=told)


def put_off(batch: Batch, messages: int, seconds: float) -> None:
    """Say that a confirm is tried again; why, another line has told, unless the gateway's limits had no call for it."""
    told = about("confirm_put_off", **whose(batch), messages=messages, seconds=seconds)
    log.info("%s: a confirm of %d is put off for %.1f s", shown(batch.account), messages, seconds, extra=told)


def whose(batch: Batch) -> dict[str, str | None]:
    """The fields of every line about a batch."""
    return {"account": batch.account, "gateway": batch.gateway or None, "batch": batch.id}


def allowed(results: Results, account: str, found: Open | None) -> tuple[list[str], Counter[str]]:
    """Count the outcomes of a batch, or of a message by itself (None); the receipts that may be confirmed and were not yet."""
    outcomes = [(unplain(receipt), outcome) for receipt, outcome, *_ in results]
    outcomes += found.settled if found else ()
    counts = Counter(outcome for _, outcome in outcomes)
    stores().tally.add(account, counts, now=clock.now())
    confirmed = {*(found.confirmed if found else ())}
    return [receipt for receipt in confirmable(outcomes) if receipt not in confirmed], counts


def measured(results: Results, batch: Batch, found: Open | None) -> Numbers:
    """What a batch's outcomes add to the counters; nothing when they did before, or nobody knows their topics."""
    if found is None or found.counted:
        return {}
    topics = found.topic_of
    ends = ((topics.get(unplain(receipt), ""), outcome, took) for receipt, outcome, *took in filter(None, results))
    return measures.ended(batch.gateway, ends)


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
    failing.count(batch.account, "", "a handler was killed, as it ran on past its time limit", gateway=batch.gateway)
    sending.confirm(results, batch)


def count(batch: Batch, what: Literal["late_confirms", "unconfirmed"], number: int, why: str = "") -> None:
    """Count messages whose confirm came late or never, for the day and for what went wrong lately."""
    stores().tally.add(batch.account, {what: number}, now=clock.now())
    stores().troubles.add(Trouble(batch.account, what, text=shown(why, LONGEST), count=number))
    stores().measures.add({measures.named("late" if what == "late_confirms" else what, batch.gateway): number})


def confirm_part(batch: Batch, receipts: list[str]) -> None:
    """Confirm messages of an open batch, and note that with it. One try: what fails is left to the batch's own confirm."""
    shop, opened = runtime.account(batch.account), stores().batches.get(batch.id)
    if not shop or not opened or opened.confirmed or opened.batch.pulled != batch.pulled:
        return
    began = clock.now()
    if done := tell_part(shop, batch.id, receipts):
        spans.confirmed(batch, began, len(done))
        stores().batches.confirmed(opened, done, taken_by(batch, done))


def taken_by(batch: Batch, receipts: list[str]) -> Numbers:
    """What the platform's having taken these adds to the counters; on vvtool the inbox has counted what it crossed off."""
    if isinstance(runtime.account(batch.account), VvtoolAccount):
        return {}
    return {measures.named("confirmed", batch.gateway): len(receipts)}


def settle(account: VvtoolAccount, batch: str, receipts: list[str]) -> None:
    """Cross these off in the inbox, which nobody but us has to be told of."""
    counter = measures.named("confirmed", account.gateway.name)
    stores().inbox.settle(account.name, batch, receipts, counter=counter)


def tell_part(account: Account, batch: str, receipts: list[str]) -> list[str]:
    """Tell the platform, or on vvtool the inbox, with calls that nobody needs for a confirm; the receipts that it has taken."""
    if isinstance(account, VvtoolAccount):
        settle(account, batch, receipts)
        return receipts
    client, done = client_for(account.gateway), list[str]()
    for chunk in chunks(receipts, client.confirm_limit):
        try:
            with calls.call(account, "confirm", spare=True), http.within(confirm_seconds(visibility())):
                client.confirm(account, chunk)
        except NotNow:
            break
        except PlatformError as error:
            told = about("confirm_failed", **fields(account, batch, chunk), partial=True)
            log.warning("%s: a partial confirm of %d failed: %s", *said(account, chunk, error), extra=told)
            pausing.heed(account, error)
            break
        done += chunk
    return done


def tell(account: Account, batch: str, receipts: list[str], came: Came | None = None) -> tuple[list[str], float]:
    """Tell the platform, or on vvtool the inbox; the receipts worth another try, and the wait that the platform asks for,
    or the gateway's limits. What became of the others is added to `came`.
    """
    came = Came() if came is None else came
    if isinstance(account, VvtoolAccount):
        settle(account, batch, receipts)
        came.taken += receipts
        return [], 0.0
    client, left, wait, in_a_row = client_for(account.gateway), list[str](), 0.0, 0
    pending = list(chunks(receipts, client.confirm_limit))
    if not pending:
        calls.unneeded(account)
    while pending:
        chunk = pending.pop()
        try:
            kept = not came.taken  # one call is kept for each batch; a list that is taken has used it
            with calls.call(account, "confirm", spare=not kept), http.within(confirm_seconds(visibility())):
                client.confirm(account, chunk)
            came.taken += chunk
            in_a_row = 0
        except NotNow as put_off:
            came.why = came.why or NO_CALL
            return left + flat(chunk, *pending), max(wait, put_off.wait)
        except BadRequest as error:
            came.why, in_a_row = reason(error), in_a_row + 1
            told = about("confirm_refused", **fields(account, batch, chunk))
            log.warning("%s: a confirm of %d is refused: %s", *said(account, chunk, error), extra=told)
            following = narrowed(chunk, pending, in_a_row, error)
            if following is None:
                came.refused += flat(chunk, *pending)
                break
            came.refused += chunk if len(chunk) == 1 else []
            pending = following
        except PlatformError as error:
            came.why = reason(error)
            told = about("confirm_failed", **fields(account, batch, chunk))
            log.warning("%s: a confirm of %d failed: %s", *said(account, chunk, error), extra=told)
            (came.refused if isinstance(error, Unauthorised) else left).extend(chunk)
            wait = max(wait, pausing.heed(account, error))
    return left, wait


def flat(*lists: list[str]) -> list[str]:
    """The receipts of all of these."""
    return [receipt for some in lists for receipt in some]


def reason(error: PlatformError) -> str:
    """Why messages were not confirmed, and what a person can do."""
    return f"{error}; {error.remedy}" if isinstance(error, Unauthorised) else str(error)


def fields(account: Account, batch: str, chunk: list[str]) -> dict[str, Any]:
    """The fields of a line about a call that did not confirm these."""
    return {"account": account.name, "gateway": account.gateway.name, "batch": batch, "messages": len(chunk)}


def said(account: Account, chunk: list[str], error: PlatformError) -> tuple[str, int, str]:
    """What such a line tells in words: whose call, of how many, and why not."""
    return shown(account.name), len(chunk), shown(error, LONGEST)
