"""What a lease leaves time for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.rules.lease import HARD_GRACE, Batch, longest_try, retry_delay, try_seconds, visibility_seconds

leases = st.floats(min_value=5, max_value=86_400)


@given(leases)
def test_handlers_end_before_the_last_confirm_and_that_before_the_lease(seconds: float) -> None:
    batch = Batch("shop", "b1", 1000, seconds)
    assert 1000 < batch.handle_until < batch.confirm_until < batch.ends == 1000 + seconds


@given(leases, st.floats(min_value=0.1, max_value=3600))
def test_a_try_is_killed_before_its_message_would_be_given_to_another_worker(seconds: float, handler: float) -> None:
    if seconds * 0.6 <= 240:  # longer leases are capped, and so is a handler's time by its setting
        assert try_seconds(seconds, handler) + HARD_GRACE <= visibility_seconds(seconds) + 1e-6


@given(leases, st.floats(min_value=0.1, max_value=86_400))
def test_a_handler_s_own_timeout_holds_as_far_as_the_lease_allows(seconds: float, own: float) -> None:
    hidden = visibility_seconds(seconds)
    limit = try_seconds(seconds, 60, own, hidden)
    assert limit == min(own, longest_try(seconds, hidden))
    assert limit < hidden
    assert limit < Batch("shop", "b1", 0, seconds).handle_until


@given(leases)
def test_a_killed_worker_s_messages_come_back_within_the_lease(seconds: float) -> None:
    assert visibility_seconds(seconds) < Batch("shop", "b1", 0, seconds).handle_until


@pytest.mark.parametrize(
    ("tries", "shortest", "longest"), [(1, 0.25, 0.5), (2, 0.5, 1), (3, 1, 2), (7, 15, 30), (1000, 15, 30)]
)
def test_retries_wait_twice_as_long_each_time_with_jitter(tries: int, shortest: float, longest: float) -> None:
    assert retry_delay(tries, dice=0) == shortest
    assert retry_delay(tries, dice=1) == longest
    assert shortest <= retry_delay(tries) <= longest


def test_a_delay_that_the_handler_asked_for_is_kept() -> None:
    assert retry_delay(5, 42) == 42
    assert retry_delay(5, -1) == 0
