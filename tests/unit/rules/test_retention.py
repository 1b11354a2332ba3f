"""How old the messages are that pulls bring, and when that is worth a warning."""

import pytest

from tasks.clock import HOUR, timestamp
from tasks.platforms.base import Item
from tasks.rules.retention import Watched, due, oldest, warning, watch

NOW = 1_795_219_200.0


def item(pub_time: str) -> Item:
    return Item(receipt="1", id="1", topic="t", content="{}", pub_time=pub_time)


def aged(hours: float) -> Item:
    """A message that was published so many hours before NOW."""
    return item(timestamp(NOW - hours * HOUR))


def test_the_oldest_message_counts_wherever_it_stands_in_the_reply() -> None:
    assert oldest([aged(1), aged(7), aged(2)], NOW) == NOW - 7 * HOUR


def test_times_are_chinas() -> None:
    assert oldest([item("2026-11-21 08:00:00")], NOW) == NOW


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-99-99 00:00:00",
        "0000-00-00 00:00:00",
        "1970-01-01 08:00:00",
        "0001-01-01 00:00:00",
        "\x00",
    ],
)
def test_what_is_no_time_says_nothing_and_hides_no_other(text: str) -> None:
    assert oldest([item(text)], NOW) is None
    assert oldest([item(text), aged(7)], NOW) == NOW - 7 * HOUR


def test_without_messages_nothing_is_old() -> None:
    assert watch([], (), pulled=NOW) == Watched(None, None, ())


def test_a_platforms_clock_that_is_ahead_makes_nobody_old() -> None:
    assert watch([aged(-1)], (), pulled=NOW).warning is None
    assert watch([aged(-1)], (), pulled=NOW).oldest == NOW + HOUR


def test_young_messages_are_not_worth_a_word() -> None:
    assert watch([aged(5.99)], (), pulled=NOW).warning is None


def test_six_hours_are_said_at_once_with_what_is_left_and_what_to_do() -> None:
    found = watch([aged(6)], (), pulled=NOW)
    assert found.warned == (NOW, 6 * HOUR)
    assert found.warning == warning(6 * HOUR)
    for word in ("6.0 h", "24 h", "18.0 h later", "workers", "poll.min", "calls_per_day", "celery -A tasks status"):
        assert word in found.warning


def test_past_a_day_messages_may_be_gone() -> None:
    assert "later ones may be gone already" in warning(25 * HOUR)


@pytest.mark.parametrize(
    ("hours", "warned_hours_ago", "told"),
    [
        (7, 0.5, False),  # said a moment ago
        (18, 5.9, False),  # said, and worse since
        (7, 6.0, True),  # said long ago, still so
        (1, 30.0, False),  # over
    ],
)
def test_what_lasts_is_said_again_after_six_hours(hours: float, warned_hours_ago: float, told: bool) -> None:
    found = watch([aged(hours)], (NOW - warned_hours_ago * HOUR, 6 * HOUR), pulled=NOW)
    assert (found.warning is not None) is told


def test_ages_that_move_around_the_threshold_are_said_no_more_often() -> None:
    warned: tuple[float, ...] = ()
    said = []
    for minute in range(0, 24 * 60, 2):
        now = NOW + minute * 60
        message = item(timestamp(now - (5.9 + 7 * (minute % 4 == 0)) * HOUR))
        found = watch([message], warned, pulled=now)
        warned = found.warned
        if found.warning:
            said.append(minute)
    assert said == [0, 360, 720, 1080]


def test_a_backlog_that_grows_is_said_at_each_quarter_of_a_day() -> None:
    warned: tuple[float, ...] = ()
    said = []
    for minute in range(0, 20 * 60, 5):
        now = NOW + minute * 60
        found = watch([item(timestamp(NOW))], warned, pulled=now)
        warned = found.warned
        if found.warning:
            said.append(minute // 60)
    assert said == [6, 12, 18]


def test_what_was_stored_by_another_release_does_not_keep_it_silent() -> None:
    assert due((NOW,), NOW)
    assert due((NOW + 24 * HOUR, 6 * HOUR), NOW), "a worker whose clock was a day ahead"
