"""Gives one message to the user's handler and returns its receipt and outcome; the second of the three tasks.

It never raises, whatever the handler does: a chord whose header fails never calls its callback.

1. A delivery that starts when its lease has no time left is dropped: the platform has the message again.
2. The message is claimed, so that no two workers run it; one that is done with needs no second time.
3. The handler runs. Returning means handled. A rejected or unfit message is buried. After any other failure it is tried
   again: a short wait holds the batch, after a longer one it is tried apart from it, and its confirm goes by itself.
4. When the lease has no time for another try it is left to come again, or buried after `max_deliveries`.
"""

import math
import time
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Any

from celery.exceptions import Retry as CeleryRetry
from celery.utils.log import get_task_logger
from redis.exceptions import RedisError

from handlers import Handler, Reject, Unfit
from tasks import app, clock, sending
from tasks.handling import asked, burying, contents, failing, measuring, raised, timer, turns, unhandled
from tasks.handling.asked import WITHOUT_SHORT_NAMES
from tasks.handling.delivery import Delivery
from tasks.handling.handle_task import HandleTask
from tasks.handling.place import reason as reason_of
from tasks.handling.timer import limited
from tasks.handling.turns import NotYet
from tasks.handling.unhandled import spelled_out
from tasks.logs import about
from tasks.logs.seldom import Seldom, left_out
from tasks.names import HANDLE
from tasks.plumbing.beside import TheirsCurrent
from tasks.plumbing.ending import asked_to_end
from tasks.plumbing.visibility import visibility
from tasks.rules import measures
from tasks.rules.lease import HARD_GRACE, Batch, retry_delay
from tasks.rules.outcomes import CONFIRMABLE, Outcome
from tasks.runtime import registry, stores
from tasks.settings import settings
from tasks.store.letters import Kind
from tasks.store.marks import Begun
from tasks.store.refusals import advice
from tasks.store.turns import Turn
from tasks.text import plain

log = get_task_logger(__name__)
_refused = Seldom()

REPLAY_TRIES = 3
"""A replay ends after so many tries: somebody waits for it, and it can be sent again."""

HOLD_SECONDS = 2.0
"""A batch waits so long, in all, for a message that is to be tried again; a longer wait takes the message out of the batch."""


@dataclass(frozen=True, slots=True)
class Again(Exception):  # a decision on its way to the task, not an error
    """The message is to be tried again after `delay` seconds; one that waits for its turn, as soon as that comes."""

    delay: float
    turn: bool = False


@app.task(name=HANDLE, bind=True, base=HandleTask, max_retries=None)
def handle(self: HandleTask, /, delivery: Any = None, **_later: Any) -> tuple[str | int | None, ...]:
    """Deliver one message; its receipt, in plain characters, what became of it, and how long that took its handler."""
    given: Delivery | None = None
    outcome: Outcome = "failed"
    took = list[int | None]()
    try:
        contents.fetched([delivery])
        given = Delivery.from_json(delivery)
        if (item := spelled_out(given.item, given.platform)) is not given.item:
            given = replace(given, item=item)
        try:
            outcome = known(deliver(given, (self.request.timelimit or (None,))[0], took), given, self.request)
        except Again as again:
            outcome = try_again(self, given, again)
        if given.alone:
            conclude(given, outcome)
    except CeleryRetry as asked:
        raise asked from None  # Celery shows Flower its traceback, in which the handler's error would stand with what it says
    except BaseException as error:  # whatever broke, the batch goes on and the message comes again
        if asked_to_end(error):
            raise
        broken(given, error)
    return plain(given.item.receipt) if given else "", outcome, *took


def broken(given: Delivery | None, error: BaseException) -> None:
    """Tell of a delivery that failed outside of its handler; not of each when Redis refuses, as it does so to all in hand."""
    why = f"Redis {advice(error)}" if isinstance(error, RedisError) else failing.said(error)
    left = _refused.left_out(why) if isinstance(error, RedisError) else 0
    if left is not None:
        told = about("handle_broken", **(given.fields if given else {}))
        text = "%s: %s; what was not confirmed comes again%s"
        log.error(text, given or "no delivery", why, left_out(left), extra=told)


def known(outcome: Outcome, given: Delivery, request: Any) -> Outcome:
    """What became of a delivery. One that a killed worker had in hand and that is done with by now is no duplicate, nor late: it
    was that worker's to end, and counted there.
    """
    if outcome not in ("duplicate", "late") or not (request.delivery_info or {}).get("redelivered"):
        return outcome
    if not any(stores().marks.over([given.names])):
        return outcome
    return "handled" if stores().marks.is_done(given.names) else "dead"


def deliver(given: Delivery, hard: float | None = None, took: list[int | None] | None = None) -> Outcome:
    """One try, whose process Celery kills after `hard` seconds. Raises `Again` when another is due within the lease.

    How long it took a handler that returned is added to `took`, for the batch to be counted with.
    """
    stores().clock.keep()
    now = clock.now()
    if now >= given.batch.handle_until:
        return "late"
    if given.apart:
        return without_content(given)
    if now < given.not_before:
        raise Again(given.not_before - now)
    handler = registry().find(given.item.topic, as_it_is=given.platform in WITHOUT_SHORT_NAMES)
    if handler is None and (outcome := unhandled.ended(given)):
        return outcome
    limit = timer.seconds(given.batch.lease, handler.options.timeout if handler else None, hard)
    return claim(given, handler, limit, [] if took is None else took)


def claim(given: Delivery, handler: Handler | None, limit: float, took: list[int | None]) -> Outcome:
    """Claim the message, and run its handler for `limit` seconds at most, the time that the claim took included.

    One without a handler is claimed to be buried.
    """
    keyed = handler is not None and handler.options.key is not None
    turn = turns.of(given, handler) if handler and keyed else None
    counter = measuring.ended(given, "superseded") if turn else ""
    asked_at = time.monotonic()
    begun = stores().marks.begin(given.names, given.batch.handing_out, limit + HARD_GRACE, turn, counter)
    if begun.state != "begun":
        return not_begun(given, begun, turn)
    if handler is None:
        unhandled.noted(given)
        reason = unhandled.reason(given.item.topic)
        return burying.delivery(given, begun, "unhandled", reason, told=reason)
    try:
        return run(given, handler, begun, timer.left(limit, time.monotonic() - asked_at), took)
    finally:
        if keyed:
            stores().marks.lapse(given.names)


def without_content(given: Delivery) -> Outcome:
    """The end of a delivery whose content is no longer kept, as its batch was closed, or Redis flushed."""
    if any(stores().marks.over([given.names])):
        return "duplicate"
    log.error("%s: its content is gone from Redis; it comes again", given, extra=about("content_gone", **given.fields))
    return "failed"


def not_begun(given: Delivery, begun: Begun, turn: Turn | None) -> Outcome:
    """The end of a delivery that needs no handler any more, or a wait for the message's turn, or for whoever runs it now."""
    if begun.state in ("done", "dead"):
        return "duplicate"
    if begun.state == "superseded":
        return "superseded"
    if begun.state == "busy":
        return later(given.batch, Again(begun.wait))
    return later(given.batch, Again(turns.wait(given, begun, turn), turn=True))


def run(given: Delivery, handler: Handler, begun: Begun, limit: float, took: list[int | None]) -> Outcome:
    """Call the handler, for `limit` seconds at most, and say what its end means."""
    most = settings().max_deliveries
    if begun.open > (min(most, REPLAY_TRIES) if given.letter else most):
        reason = f"{begun.open - 1} tries began and never ended: its handler kills its process, or goes past its limit"
        return burying.delivery(given, begun, "killed", reason, told=reason)
    if begun.tries > (most := handler.options.tries or begun.tries):
        reason = f"{begun.tries - 1} tries came to no good end, and its handler allows {most}"
        return burying.delivery(given, begun, "killed" if begun.open > 1 else "failed", reason, told=reason)
    if begun.open > 1:
        failing.died(given)
    seconds, began = min(limit, given.batch.handle_until - clock.now()), time.monotonic()
    try:
        with TheirsCurrent(app), limited(seconds):
            message, context = given.message(begun.deliveries, seconds), copy_context()
            content = turns.claimed(given, handler, begun, message, limit + HARD_GRACE, context)
            handler.call(message, content, context)
    except NotYet as not_yet:
        return not_begun(given, not_yet.begun, not_yet.turn)
    except (Reject, Unfit) as error:
        reason, told = reason_of(error) or "rejected by its handler", failing.said(error, handler.function)
        kind: Kind = "rejected" if isinstance(error, Reject) else "unfit"
        return burying.delivery(given, begun, kind, reason, raised.stack(error), told)
    except BaseException as error:  # a handler may raise anything
        if asked_to_end(error):
            if time.monotonic() - began < seconds:  # else its process ends because it went on: this try never ended
                stores().marks.release(given.names, begun.tries)
            raise
        return failed(given, handler, begun, error)
    its = measuring.took(message.published, began)
    if given.alone:  # no batch counts it
        stores().marks.finish(given.names, "done", measures.handled(given.batch.gateway, given.item.topic, *its))
    else:
        stores().marks.finish(given.names, "done")
        took += its
    burying.went_well(given.batch.account)
    return "handled"


def failed(given: Delivery, handler: Handler, begun: Begun, error: BaseException) -> Outcome:
    """Another try, or the end of this delivery: left, or buried when there were enough."""
    delay = retry_delay(begun.tries, raised.delay(error))
    failing.told(given, begun.tries, error, handler.function)
    over = begun.tries >= (handler.options.tries or math.inf)
    patient = not over and (not given.letter or begun.tries < REPLAY_TRIES)
    if patient and clock.now() + delay < given.batch.retry_until:
        stores().marks.release(given.names, begun.tries)
        raise Again(delay)
    if over or given.letter or begun.deliveries >= settings().max_deliveries:
        often = f"{begun.tries} tries" if over else f"{begun.deliveries} deliveries"
        reason = f"failed in {often}, at last with {failing.last(error, handler.function)}"
        said = failing.said(error, handler.function)
        return burying.delivery(given, begun, "failed", reason, raised.stack(error), said)
    stores().marks.release(given.names, begun.tries, left=True)
    return "failed"


def later(batch: Batch, again: Again) -> Outcome:
    """Wait for whoever runs the message now, or others of its key, if the lease allows."""
    if clock.now() + again.delay < batch.handle_until:
        raise again
    return "failed"


def try_again(task: HandleTask, given: Delivery, again: Again) -> Outcome:
    """Send the message round once more: within its chord after a short wait, apart from it after a longer one.

    Only one message of a batch goes apart, as each is confirmed with a call of its own; from the second on they stay, and what is
    done does not wait for them (`tasks/handling/stragglers.py`).
    """
    hop = min(again.delay, visibility() / 2)  # a longer countdown would outlive the broker's patience and run twice
    until = 0.0 if again.turn or hop == again.delay else clock.now() + again.delay
    following = replace(given, not_before=until, waits=again.turn)
    held = given.held + again.delay
    where = asked.queue(given.item.topic, given.platform, registry())
    if given.alone or held <= HOLD_SECONDS or not stores().stragglers.goes_apart(given.batch.id):
        raise task.retry(kwargs={"delivery": replace(following, held=held).to_json()}, countdown=hop, **where)
    limits = dict(zip(("time_limit", "soft_time_limit"), task.request.timelimit or (None, None), strict=True))
    apart = replace(following, alone=True)
    handle.apply_async(kwargs={"delivery": apart.to_json()}, countdown=hop, **limits, **where)
    return "again"


def conclude(given: Delivery, outcome: Outcome) -> None:
    """Confirm a message that was tried apart from its batch, as no chord does it; of a replay, drop the letter."""
    stores().marks.settle()
    if given.letter:
        if outcome == "handled" or stores().marks.is_done(given.names):
            stores().letters.drop([given.letter])
        else:
            stores().letters.unqueue([given.letter])
        stores().tally.add(given.batch.account, {f"replayed_{outcome}": 1}, now=clock.now())
        return
    stores().measures.add(measures.ended(given.batch.gateway, [(given.item.topic, outcome, ())]))
    if outcome in CONFIRMABLE:
        sending.confirm([(plain(given.item.receipt), outcome)], given.batch, alone=True)
    else:
        stores().tally.add(given.batch.account, {outcome: 1}, now=clock.now())
