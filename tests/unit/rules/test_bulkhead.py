"""How many calls of a process one platform may hold, and when those come again that found no place."""

import pytest

from tasks.rules.allowance import Api
from tasks.rules.bulkhead import LATE_SECONDS, SLOW_SECONDS, in_trouble, most, slow, wait


def test_polls_of_one_platform_leave_places_for_its_confirms_and_both_for_other_platforms() -> None:
    assert most(100, "pull", alone=False, troubled=False) == 80
    assert most(100, "confirm", alone=False, troubled=False) == most(100, "count", alone=False, troubled=False) == 90
    assert most(1, "pull", alone=False, troubled=False) == 1


@pytest.mark.parametrize("alone", [False, True])
def test_a_platform_in_trouble_leaves_more_and_leaves_its_own_confirms_room(alone: bool) -> None:
    assert most(100, "pull", alone=alone, troubled=True) == 60
    assert most(100, "confirm", alone=alone, troubled=True) == most(100, "count", alone=alone, troubled=True) == 80
    assert most(1, "pull", alone=alone, troubled=True) == most(1, "confirm", alone=alone, troubled=True) == 1


@pytest.mark.parametrize("api", ["pull", "confirm", "count"])
def test_a_platform_that_is_alone_and_answers_in_time_has_every_place(api: Api) -> None:
    assert most(100, api, alone=True, troubled=False) == 100


def test_a_platform_is_in_trouble_when_a_tenth_of_the_places_waits_for_it() -> None:
    late, now = 50.0, 50.0 + LATE_SECONDS
    assert in_trouble(100, [late] * 10 + [now] * 50, now)
    assert not in_trouble(100, [late] * 9 + [now] * 50, now)
    assert not in_trouble(100, [late] * 9, now)
    assert not in_trouble(100, [late + 0.1] * 100, now)
    assert in_trouble(4, [late], now)
    assert not in_trouble(4, [], now)


def test_what_finds_a_busy_platform_comes_again_soon() -> None:
    assert not slow(0.1)
    assert all(0.2 <= wait(0.1, api, 300, dice) <= 1 for api in ("pull", "confirm") for dice in (0, 1))


@pytest.mark.parametrize("dice", [0, 1])
def test_polls_of_a_platform_in_trouble_come_as_after_failures_and_confirms_while_their_lease_runs(dice: float) -> None:
    assert slow(SLOW_SECONDS)
    assert 150 <= wait(SLOW_SECONDS, "pull", 300, dice) <= 300
    assert wait(SLOW_SECONDS, "confirm", 300, dice) <= 3
