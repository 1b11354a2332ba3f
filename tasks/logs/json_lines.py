"""Lines for machines: each one JSON object, in plain ASCII, as a terminal or a container's log may have any encoding."""

import json
import logging
from collections.abc import MutableMapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import structlog

from tasks.logs.fields import event, fields, text

Line = MutableMapping[str, Any]

CUT = 10_000
"""Characters of one text in a line; collectors refuse lines of megabytes."""


@cache
def formatter() -> logging.Formatter:
    """Makes one JSON object of each record, whoever has made it. Records of structlog's own loggers need its
    `ProcessorFormatter.wrap_for_formatter` as their last processor."""
    return structlog.stdlib.ProcessorFormatter(
        processors=[whole, structlog.processors.JSONRenderer(serializer=serialized)]
    )


def whole(_logger: object, _name: str, found: Line) -> Line:
    """A line's members: when, how bad, what, who, then what is known of it; last a traceback."""
    record: logging.LogRecord = found["_record"]
    ours = {
        "timestamp": datetime.fromtimestamp(record.created, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "event": event(record),
        "message": str(found["event"]) if not found["_from_structlog"] else text(record),
        "logger": record.name,
        "process": record.processName,
        "pid": record.process,
    }
    theirs = {f"extra_{name}" if name in ours else name: value for name, value in fields(record).items()}
    return ours | theirs | raised(found)


def raised(found: Line) -> dict[str, Any]:
    """The traceback that came with a line."""
    given = {"exc_info": found["exc_info"]} if "exc_info" in found else {}
    known = dict(structlog.processors.format_exc_info(None, "", given))
    if (stack := found.get("stack_info")) is not None:
        known["stack"] = stack
    return known


def serialized(line: Line, **_: Any) -> str:
    """The object in one line. What JSON does not know is told as text."""
    try:
        return json.dumps(plain(line), default=lambda value: plain(str(value)), allow_nan=False)
    except (TypeError, ValueError, RecursionError):  # not a number, a circle, keys that are no text
        return json.dumps({name: plain(value if is_simple(value) else repr(value)) for name, value in line.items()})


def is_simple(value: Any) -> bool:
    """Whether JSON can say it."""
    return value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and value - value == 0)


def plain(value: Any) -> Any:
    """The same without half characters, which many readers of JSON refuse, and cut where it is very long."""
    if isinstance(value, str):
        return value[:CUT].encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {plain(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value
