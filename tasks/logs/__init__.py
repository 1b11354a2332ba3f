"""What a log line says besides its text: a stable event name and fields, as `extra` of the standard library's records.

    log.warning("%s: a confirm of %d failed", account, number, extra=about("confirm_failed", account=account, messages=number))

Every handler of the standard library sees them as the record's attributes. Ours write them at the end of a line for people
(`console.py`), or each line as one JSON object (`json_lines.py`, where TIDINGS_LOG is `json`). docs/logs.md lists the events.
"""

from typing import Any

from tasks.logs.events import EVENTS

__all__ = ["EVENTS", "about"]


def about(event: str, /, **fields: object) -> dict[str, Any]:
    """The `extra` of a log line: one of EVENTS, and what is known of it.

    No field holds a message's content, a secret, or what an error of a handler's says.
    """
    return {"event": event, **fields}
