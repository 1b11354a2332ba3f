"""Whether a worker takes more messages than Celery has places for: its pool knows (`tasks.plumbing.pool`)."""

from collections.abc import Callable


def none() -> bool:
    """No more."""
    return False


more: Callable[[], bool] = none
