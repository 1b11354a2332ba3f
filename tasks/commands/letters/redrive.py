"""Sends dead letters round once more, as messages of their own: what a handler takes leaves the letters, the rest stays."""

from collections.abc import Iterable

from tasks import app, clock
from tasks.handle import handle
from tasks.handling.delivery import Delivery
from tasks.handling.timer import time_limit
from tasks.rules.lease import Batch
from tasks.runtime import stores
from tasks.store.letters import Letter

REPLAY_SECONDS = 600.0
"""The time that a replay takes its limits and retries from; no platform waits for it."""


def send(letters: Iterable[Letter]) -> int:
    """Hand these letters to handle tasks, in one round trip; how many there were.

    A reply that could not be read goes back to the inbox, to be read with its account's next poll. Left out is a single item
    that could not be read: no handler could be found for it.
    """
    asked = list(letters)
    replies = [letter for letter in asked if letter.reply]
    sent = [letter for letter in asked if letter.names]
    for letter in replies:
        stores().inbox.keep(letter.account, letter.item.id, letter.item.content.encode("latin-1"), 0)
        stores().letters.drop([letter.id])
    for letter in sent:
        stores().marks.revive(letter.names)
    with app.batch():
        for letter in sent:
            handle.apply_async(kwargs={"delivery": again(letter).to_json()}, **time_limit(REPLAY_SECONDS))
    return len(sent) + len(replies)


def again(letter: Letter) -> Delivery:
    """The delivery of a letter's message."""
    batch = Batch(letter.account, f"replay-{letter.id}", clock.now(), REPLAY_SECONDS)
    return Delivery(letter.item, batch, letter.platform, letter.names, alone=True, letter=letter.id)
