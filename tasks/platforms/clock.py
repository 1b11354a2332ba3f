"""The platforms' clock: GMT+8 without summer time, whatever zone this machine is set to."""

import time
from datetime import UTC, datetime, timedelta, timezone

GMT8 = timezone(timedelta(hours=8))


def timestamp(now: float | None = None) -> str:
    """The moment as the `timestamp` parameter has it, `yyyy-MM-dd HH:mm:ss`. One 10 minutes off is refused."""
    return datetime.fromtimestamp(time.time() if now is None else now, GMT8).strftime("%Y-%m-%d %H:%M:%S")


def next_midnight(now: float | None = None) -> float:
    """When the platforms' next day begins, in seconds since the epoch: their daily counts start anew then."""
    today = datetime.fromtimestamp(time.time() if now is None else now, GMT8).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return (today + timedelta(days=1)).astimezone(UTC).timestamp()
