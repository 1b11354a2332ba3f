"""Takes a log record apart: its text, its event, and the fields that its `extra` has brought."""

import logging
from typing import Any

RECORDS_OWN = frozenset(
    {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName", "task_name", "data", "event"}
)
"""What every record has, what formatters and Celery add to it, and the event, which is told apart."""

STRUCTLOGS = frozenset({"_logger", "_name"})

OTHERS = "log"
"""The event of a line that names none."""


def text(record: logging.LogRecord) -> str:
    """What the line says. structlog hands over a dict (`ProcessorFormatter.wrap_for_formatter`), whose `event` is the text."""
    if isinstance(record.msg, dict) and hasattr(record, "_logger"):
        return str(record.msg.get("event", ""))
    return record.getMessage()


def event(record: logging.LogRecord) -> str:
    """The event that the line names."""
    named = getattr(record, "event", OTHERS)
    return named if isinstance(named, str) else OTHERS


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """What else is known of it, in the order in which it was said; without what is None."""
    said = {name: value for name, value in record.__dict__.items() if name not in RECORDS_OWN | STRUCTLOGS}
    if isinstance(record.msg, dict) and hasattr(record, "_logger"):
        said |= {str(name): value for name, value in record.msg.items() if name not in ("event", "exc_info")}
    if hasattr(record, "task_name"):  # Celery's formatter has added both, and writes them in front
        said.pop("task_id", None)
    return {name: value for name, value in said.items() if value is not None}
