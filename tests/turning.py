"""Turning an event loop of kombu's by hand."""

import time
from collections.abc import Callable
from typing import Any


def turn(hub: Any, until: Callable[[], object], seconds: float) -> bool:
    """Run the loop until a condition holds; whether it came to hold in time."""
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            return False
        hub.call_later(0.01, int)  # so that the loop does not sleep through the condition
        hub.run_once()
    return True
