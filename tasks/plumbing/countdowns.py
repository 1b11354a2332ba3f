"""RabbitMQ as the broker: a countdown is one that its delay queues can keep."""

import math
from collections.abc import Callable
from typing import Any

DELAY_EXCHANGE = "celery_delayed"
"""How the names of the exchanges begin that Celery delays messages with."""


def countable(apply_async: Callable[..., Any]) -> Callable[..., Any]:
    """A task's `apply_async` with its countdown in whole seconds, rounded up.

    RabbitMQ's delay queues count whole seconds. Celery rounds down, refuses what that makes zero, and lets a worker hold the
    message for the rest, where it keeps others from being taken.
    """

    def apply(self: Any, args: Any = None, kwargs: Any = None, *more: Any, **options: Any) -> Any:
        if str(options.get("exchange", "")).startswith(DELAY_EXCHANGE):
            # Where a message came from that was delayed before: sent there again, it would be delayed once more.
            del options["exchange"], options["routing_key"]
        if countdown := options.get("countdown"):
            options["countdown"] = math.ceil(countdown)
        return apply_async(self, args, kwargs, *more, **options)

    return apply
