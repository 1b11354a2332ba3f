"""What to spend now of what is left of the day, and the rhythm by which the day is divided."""

import json
import math

import pytest

from tasks.clock import day_left, hour_of
from tasks.rules.budget import Spending, calls_per_second, ebb
from tasks.rules.rhythm import Rhythm

MIDNIGHT = 1_800_028_800.0
HOUR, DAY = 3_600.0, 86_400.0


def lived(messages: list[float], days: int = 1) -> Rhythm:
    """What is known after days with so many messages in each hour, told minute by minute."""
    rhythm = Rhythm()
    for minute in range(days * 1_440 + 1):
        rhythm = rhythm.after(messages[minute // 60 % 24] / 60, 60, MIDNIGHT + 60 * (minute + 1))
    return rhythm


def spend(quota: float, rhythm: Rhythm) -> list[float]:
    """What is spent in each hour of a day whose plan is made anew every minute."""
    spent = [0.0] * 24
    for minute in range(1_440):
        now = MIDNIGHT + 60 * minute
        spent[minute // 60] += 60 * calls_per_second(quota - sum(spent), rhythm, now)
    return spent


DAY_AND_NIGHT = [100.0] * 8 + [10_000.0] * 16


def test_hours_are_those_of_the_platforms_day() -> None:
    assert [hour_of(MIDNIGHT + hour * HOUR) for hour in (0, 7.99, 23)] == [0, 7, 23]
    assert day_left(MIDNIGHT) == DAY
    assert day_left(MIDNIGHT - 1) == 1


def test_a_first_day_is_spent_evenly() -> None:
    spent = spend(24_000, Rhythm())
    assert spent == pytest.approx([1_000] * 24, rel=0.08)
    assert 0.99 * 24_000 < sum(spent) <= 24_000


def test_calls_follow_the_root_of_the_messages_from_the_second_day_on() -> None:
    spent = spend(24_000, lived(DAY_AND_NIGHT))
    assert spent[12] / spent[3] == pytest.approx(math.sqrt(100 / (1 + 0.67 + 0.1)), rel=0.1)
    assert 0.99 * 24_000 < sum(spent) <= 24_000


def test_an_hour_without_any_messages_still_gets_calls() -> None:
    spent = spend(24_000, lived([*DAY_AND_NIGHT[:23], 0]))
    assert spent[23] > 50


def test_a_handful_of_messages_teaches_no_rhythm() -> None:
    spent = spend(24_000, lived([0.0] * 12 + [1.0] * 12))
    assert max(spent) < 1.2 * min(spent)


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("into", [0, 1, 1_800, 3_599])
def test_without_a_rhythm_what_is_left_of_the_day_is_what_the_clock_says(hour: int, into: int) -> None:
    now = MIDNIGHT + hour * HOUR + into
    assert Rhythm().seconds_left(now) == pytest.approx(day_left(now))


@pytest.mark.parametrize("hour", range(1, 24))
def test_a_new_hour_changes_nothing_of_what_the_rest_of_the_day_needs(hour: int) -> None:
    rhythm = lived(DAY_AND_NIGHT)
    begins = MIDNIGHT + hour * HOUR
    before = rhythm.weights()[hour - 1] * rhythm.seconds_left(begins - 0.001)
    after = rhythm.weights()[hour] * rhythm.seconds_left(begins)
    assert before == pytest.approx(after, rel=1e-5)


def test_a_new_day_counts_half() -> None:
    rhythm = lived([1_000.0] * 24)
    for minute in range(1_441):
        rhythm = rhythm.after(3_000 / 60, 60, MIDNIGHT + DAY + 60 * (minute + 1))
    assert rhythm.hours[12] * HOUR == pytest.approx(2_000, rel=0.01)


def test_an_hour_that_was_hardly_seen_is_not_learnt() -> None:
    rhythm = Rhythm().after(500, 1_000, MIDNIGHT + 1_000).after(500, 3_600, MIDNIGHT + 2 * HOUR)
    assert rhythm.hours[0] < 0


def test_the_longest_intervals_are_paid_for_at_night_too_where_the_day_can_afford_them() -> None:
    night, rhythm = MIDNIGHT + 3 * HOUR, lived(DAY_AND_NIGHT)
    shared = calls_per_second(24_000, rhythm, night)
    assert calls_per_second(24_000, rhythm, night, at_least=0.25) == 0.25 > shared
    assert calls_per_second(24_000, rhythm, night, at_least=10) == shared


def test_a_quota_that_was_nearly_spent_by_noon_lasts_until_midnight() -> None:
    left = 1_000.0
    for minute in range(720, 1_440):
        left -= 60 * calls_per_second(left, Rhythm(), MIDNIGHT + 60 * minute)
        if minute == 23 * 60:
            assert left > 50
    assert left > 0


def test_the_ebb_tells_how_much_less_than_on_an_ordinary_day_there_is() -> None:
    noon = MIDNIGHT + 12 * HOUR
    assert ebb(calls_per_second(12_000, Rhythm(), noon), 24_000, Rhythm(), noon) == pytest.approx(1, rel=0.01)
    assert ebb(calls_per_second(1_200, Rhythm(), noon), 24_000, Rhythm(), noon) == pytest.approx(0.1, rel=0.01)
    assert ebb(5, 24_000, Rhythm(), noon) == 1


def test_confirms_are_learnt_to_be_part_of_a_pull() -> None:
    spending = Spending()
    assert spending.calls_a_pull == spending.points_a_pull == 1
    for _ in range(300):
        spending = spending.after(planned=60, useful=30, calls=90, points=120, seconds=60)
    assert spending.calls_a_pull == pytest.approx(1.5, rel=0.02)
    assert spending.points_a_pull == pytest.approx(4, rel=0.02)


def test_pulls_that_were_not_made_buy_no_more_of_them() -> None:
    spending = Spending()
    for _ in range(300):
        spending = spending.after(planned=60, useful=30, calls=6, points=0, seconds=60)
    assert spending.calls_a_pull == 1
    assert spending.points_a_pull > 0


def test_the_rhythm_survives_json() -> None:
    rhythm = lived(DAY_AND_NIGHT)
    again = Rhythm.from_list(json.loads(json.dumps(rhythm.as_list())))
    assert again.weights() == pytest.approx(rhythm.weights(), rel=1e-3)
    assert again.after(1, 60, MIDNIGHT + 1.5 * DAY).hours == pytest.approx(
        rhythm.after(1, 60, MIDNIGHT + 1.5 * DAY).hours, rel=1e-3
    )


@pytest.mark.parametrize("kept", [[], [1.0] * 24, [float("inf")] * 27])
def test_a_rhythm_that_another_version_kept_is_learnt_anew(kept: list[float]) -> None:
    assert Rhythm.from_list(kept) == Rhythm()
