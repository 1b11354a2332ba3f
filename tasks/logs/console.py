"""Lines for people: Celery's own form, with event and fields at the end."""

import logging
from typing import Any

from tasks.logs.fields import OTHERS, event, fields, text
from tasks.text import shown

MESSAGES_LOG = "handlers.message"
"""The logger of `message.log`, whose lines begin with these:"""

AT_FRONT = frozenset({"account", "topic", "message_id"})

LONGEST = 200


class WithFields(logging.Formatter):
    """Any formatter of the standard library's, which adds what a record has besides its text."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the standard library's name
        """The line without its traceback."""
        if isinstance(record.msg, dict):
            record.message = text(record)
        return super().formatMessage(record) + ending(record)


def ending(record: logging.LogRecord) -> str:
    """Event and fields, in brackets; "" where there are none."""
    said = fields(record)
    if record.name == MESSAGES_LOG:
        said = {name: value for name, value in said.items() if name not in AT_FRONT}
    named = event(record)
    words = [*([] if named == OTHERS else [named]), *(f"{name}={word(value)}" for name, value in said.items())]
    return f" [{' '.join(words)}]" if words else ""


def word(value: Any) -> str:
    """A value as one word, or in quotes."""
    if isinstance(value, float):
        return f"{value:.3f}"
    told = shown(value, LONGEST)
    return told if told and not set(told) & set(' "=[]') else '"' + told.replace('"', "'") + '"'
