"""How a list that a platform refuses is narrowed to the ids that it is refused for."""

from random import Random

import pytest

from tasks.platforms.errors import BadRequest
from tasks.rules.narrowing import STREAK, narrowed

PICKY = BadRequest("isv.invalid-parameter")


def calls(ids: int, bad: set[int]) -> tuple[int, set[int]]:
    """How many calls that takes, and what is confirmed in the end."""
    pending = [[str(each) for each in range(ids)]]
    made, in_a_row, confirmed = 0, 0, set[int]()
    while pending:
        some = pending.pop()
        assert some
        made += 1
        if bad.isdisjoint(map(int, some)):
            in_a_row = 0
            assert confirmed.isdisjoint(map(int, some))
            confirmed |= set(map(int, some))
            continue
        in_a_row += 1
        pending, _ = narrowed(some, pending, in_a_row, PICKY)
    return made, confirmed


@pytest.mark.parametrize("bad", [{0}, {199}, {77}, {0, 1}, {198, 199}, {0, 66, 133, 199}, {100, 101, 102, 103}])
def test_bad_ids_cost_only_themselves(bad: set[int]) -> None:
    made, confirmed = calls(200, bad)
    assert confirmed == set(range(200)) - bad
    assert made <= 1 + 16 * len(bad)


@pytest.mark.parametrize("first", [0, 50, 100, 120, 170])
@pytest.mark.parametrize("count", [10, 30, 80])
def test_many_bad_ids_in_a_row_cost_only_themselves(first: int, count: int) -> None:
    bad = set(range(first, min(200, first + count)))
    assert calls(200, bad)[1] == set(range(200)) - bad


@pytest.mark.parametrize("count", [10, 40, 80])
def test_many_bad_ids_here_and_there_cost_only_themselves(count: int) -> None:
    bad = set(Random(count).sample(range(200), count))
    assert calls(200, bad)[1] == set(range(200)) - bad


@pytest.mark.parametrize("ids", [1, 2, 7, 100, 200])
def test_what_is_refused_as_a_whole_costs_a_few_calls(ids: int) -> None:
    made, confirmed = calls(ids, set(range(ids)))
    assert made <= min(2 * ids - 1, 2 * STREAK)
    assert not confirmed


def test_what_concerns_the_gateway_is_not_for_any_id() -> None:
    assert narrowed(["1", "2"], [], 1, BadRequest("no such method", scope="gateway")) == ([], ["1", "2"])
