"""What RabbitMQ's delay queues can keep of a countdown."""

from typing import Any

import pytest

from tasks.plumbing.countdowns import countable


def applied(**options: Any) -> dict[str, Any]:
    """What Celery is given of these options."""
    got: dict[str, Any] = {}

    def apply_async(_task: Any, _args: Any = None, _kwargs: Any = None, **options: Any) -> None:
        got.update(options)

    countable(apply_async)(None, (), {}, **options)
    return got


@pytest.mark.parametrize(("asked", "kept"), [(0.01, 1), (0.5, 1), (1, 1), (1.2, 2), (120.0, 120), (0, 0), (None, None)])
def test_a_countdown_is_rounded_up_to_whole_seconds(asked: float | None, kept: int | None) -> None:
    assert applied(countdown=asked) == {"countdown": kept}


def test_a_task_without_one_is_sent_as_it_was() -> None:
    assert applied(expires=3.5, queue="handle") == {"expires": 3.5, "queue": "handle"}


def test_what_came_from_a_delay_queue_is_not_sent_back_there() -> None:
    route = {"exchange": "celery_delayed_27", "routing_key": "0.1.handle"}
    assert applied(**route, retries=1) == {"retries": 1}
    assert applied(exchange="tidings", routing_key="handle") == {"exchange": "tidings", "routing_key": "handle"}
