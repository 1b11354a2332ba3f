"""Where kombu compares what two machines' clocks say, it goes by the common clock instead, Celery's own transport included.

A worker notes when it took a message, and another one gives it back when that is too long ago (`unacked_index`). With clocks 60 s
apart, messages would be given back at once, or a minute late.
"""

import sys
from typing import Any

from tasks import clock

REDIS_TRANSPORT = "kombu.transport.redis"


def share_clock() -> None:
    """Have kombu's Redis transport, where it is loaded, read the common clock."""
    transport: Any = sys.modules.get(REDIS_TRANSPORT)
    if transport is not None:
        transport.time = clock.now
