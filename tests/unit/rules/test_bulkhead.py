"""How many calls of a process one platform may hold, and when those come again that found no place."""

import pytest

from tasks.rules.bulkhead import SLOW_SECONDS, most, slow, wait


def test_polls_of_one_platform_leave_places_for_its_confirms_and_both_for_other_platforms() -> None:
    assert most(100, "pull") == 60
    assert most(100, "confirm") == most(100, "count") == 80
    assert most(1, "pull") == most(1, "confirm") == 1


def test_what_finds_a_busy_platform_comes_again_soon() -> None:
    assert not slow(0.1)
    assert all(0.2 <= wait(0.1, api, 300, dice) <= 1 for api in ("pull", "confirm") for dice in (0, 1))


@pytest.mark.parametrize("dice", [0, 1])
def test_polls_of_a_platform_in_trouble_come_as_after_failures_and_confirms_while_their_lease_runs(dice: float) -> None:
    assert slow(SLOW_SECONDS)
    assert 150 <= wait(SLOW_SECONDS, "pull", 300, dice) <= 300
    assert wait(SLOW_SECONDS, "confirm", 300, dice) <= 3
