"""The handlers of the chaos run: each writes a line into the journal, some fail, hang or kill their process first."""

import os
import time
from functools import cache
from pathlib import Path
from typing import Any

from handlers import Message, Reject, Retry, handles
from tasks.commands.demo.journal import FOLDER, Journal

WORK_SECONDS = 0.005
"""What a handler takes: long enough for a kill to meet it."""

HANG_SECONDS = 60.0


@handles("*")
def on_any(content: dict[str, Any], message: Message) -> None:
    """Misbehave as the content asks, and note the message when it is handled."""
    does = content.get("chaos", "")
    if does == "refuses":
        raise Reject("this order is for nobody")
    if does == "poison":
        raise RuntimeError("this order never works")
    if does and journal().first(message.id):
        fail(does)
    time.sleep(WORK_SECONDS)
    journal().write(message.account, message.id)


def fail(how: str) -> None:
    """Fail as a handler may."""
    if how == "crashes":
        os._exit(1)
    if how == "hangs":
        time.sleep(HANG_SECONDS)
    if how == "waits":
        raise Retry("the stock is busy", delay=3)
    raise RuntimeError("the database blinked")


@cache
def journal() -> Journal:
    """The journal of this run."""
    return Journal(Path(os.environ[FOLDER]))
