"""Sends dead letters round once more, as messages of their own: what a handler takes leaves the letters, the rest stays.

A person asks for it, or they have reached an age of `TIDINGS_REDRIVE`: every beat looks for such, and each is sent by one.
"""

from collections.abc import Iterable
from typing import Any

from celery.utils.log import get_task_logger

from tasks import app, clock
from tasks.handle import handle
from tasks.handling import asked, others
from tasks.handling.delivery import Delivery
from tasks.handling.timer import time_limit
from tasks.logs import about
from tasks.names import USUAL
from tasks.plumbing.housekeeping import every
from tasks.rules.lease import Batch
from tasks.runtime import gateway_of, stores
from tasks.settings import settings
from tasks.store.inbox import REPLAYED
from tasks.store.letters import Letter

log = get_task_logger(__name__)

REPLAY_SECONDS = 600.0
"""The time that a replay takes its limits and retries from; no platform waits for it."""

TURN_SECONDS = 5.0
AT_ONCE = 50
"""So many letters are sent in a turn, over all beats: an outage buries thousands within minutes, and their handlers have other
messages to see to when they are back."""


@every(TURN_SECONDS, "beat")
def redrive() -> None:
    """Send the letters that have reached an age at which they are to be.

    That is noted afterwards: what is not sent, as the broker is away, is with the next turn, and what is sent twice, as a beat
    was killed in between, is handled once.
    """
    if ages := settings().redrive_ages:
        letters = stores().letters
        due = letters.due(ages, AT_ONCE, TURN_SECONDS * 0.9)
        under_way = letters.queued(due)  # by a beat that was killed as it sent them, maybe: their age is not over
        ids = [id_ for id_ in due if id_ not in under_way]
        if sent := send(letters.many(ids)):
            log.info("%d dead letters are replayed by themselves", sent, extra=about("letters_redriven", letters=sent))
        if ids:
            letters.sent(ids, ages)


def send(letters: Iterable[Letter]) -> int:
    """Hand these letters to handle tasks, in one round trip; how many, less those of which a replay is under way already.

    A reply that could not be read goes back to the inbox, to be read with its account's next poll. Left out is a single item
    that could not be read: no handler could be found for it.
    """
    wanted = list(letters)
    replies = [letter for letter in wanted if letter.reply]
    new = stores().letters.queue([letter.id for letter in wanted if letter.names], REPLAY_SECONDS)
    sent = [letter for letter in wanted if letter.id in new]
    for letter in replies:
        stores().inbox.keep(letter.account, REPLAYED + letter.item.id, letter.item.content.encode("latin-1"), 0)
        stores().letters.drop([letter.id])
    for letter in sent:
        stores().marks.revive(letter.names)
    try:
        with app.batch():
            for letter in sent:
                handle.apply_async(kwargs={"delivery": again(letter).to_json()}, **options(letter))
    except BaseException:
        stores().letters.unqueue([*new])
        raise
    return len(sent) + len(replies)


def options(letter: Letter) -> dict[str, Any]:
    """How Celery is to send a letter's message: as its handler, in the workers that run, asks for it."""
    registered, topic = others.registered(), letter.item.topic
    wanted = asked.by(topic, letter.platform, registered)
    return {**time_limit(REPLAY_SECONDS, wanted.timeout), **asked.queue(topic, letter.platform, registered)}


def queue(letter: Letter) -> str:
    """The queue that a letter's message is sent to."""
    return str(options(letter).get("queue", USUAL))


def again(letter: Letter) -> Delivery:
    """The delivery of a letter's message."""
    batch = Batch(
        letter.account, f"replay-{letter.id}", clock.now(), REPLAY_SECONDS, gateway=gateway_of(letter.account)
    )
    return Delivery(letter.item, batch, letter.platform, letter.names, alone=True, letter=letter.id)
