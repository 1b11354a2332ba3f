"""Variables that what ships in the box reads for itself."""

import math
import os

from handlers.errors import BadSetting

LAST_PORT = 65535
"""No address of what they lead to has a higher one."""


def needed(name: str, what: str) -> str:
    """A variable that has to be set, to `what`. Raises `BadSetting` without it."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise BadSetting(f"{name} is not set; set it to {what}")
    return value


def seconds(name: str, default: float) -> float:
    """A variable that holds seconds, 0 or more. Raises `BadSetting` for anything else."""
    given = os.environ.get(name, "").strip()
    try:
        value = float(given or default)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise BadSetting(f"{name} is no number of seconds; write it as {default:g}")
    return value
