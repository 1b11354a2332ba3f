"""Sends dead letters round once more, as messages of their own: what a handler takes leaves the letters, the rest stays."""

import time
from collections.abc import Iterable, Iterator

from tasks import app
from tasks.delivery import Delivery
from tasks.dispatch import limits
from tasks.handle import handle
from tasks.runtime import stores
from tasks.store.letters import Letter

REPLAY_SECONDS = 600.0
"""The time that a replay takes its limits and retries from; no platform waits for it."""


def send(letters: Iterable[Letter]) -> int:
    """Hand these letters to handle tasks, in one round trip; how many there were.

    Left out are those that were never readable as a message: no handler could be found for them.
    """
    sent = list(replayable(letters))
    for letter in sent:
        stores().marks.forget(letter.names)
    with app.batch():
        for letter in sent:
            delivery = again(letter)
            handle.apply_async(kwargs={"delivery": delivery.to_json()}, **limits(delivery.lease))
    return len(sent)


def replayable(letters: Iterable[Letter]) -> Iterator[Letter]:
    """Those that were read as messages."""
    return (letter for letter in letters if letter.names)


def again(letter: Letter) -> Delivery:
    """The delivery of a letter's message."""
    return Delivery(
        account=letter.account,
        platform=letter.platform,
        batch=f"replay-{letter.id}",
        pulled=time.time(),
        lease=REPLAY_SECONDS,
        receipt="",
        names=letter.names,
        id=letter.message_id,
        topic=letter.topic,
        content=letter.content,
        pub_time=letter.pub_time,
        user_id=letter.user_id,
        user_nick=letter.user_nick,
        alone=True,
        letter=letter.id,
    )
