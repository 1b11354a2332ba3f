"""How counters are named in Redis, and what Prometheus gets of them."""

import pytest

from tasks.rules import measures
from tasks.rules.circuit_breaker import Pause


def read(*numbers: measures.Numbers) -> measures.Measured:
    """What is read back of these."""
    return measures.measured({field: str(number) for some in numbers for field, number in some.items()})


def test_one_step_of_one_counter_tells_how_many_how_fast_and_how_late() -> None:
    found = read(measures.ended("tb", [("t", "handled", (30_000, 7_000_000))] * 3))
    assert found.counters["message"] == {("tb", "t", "handled"): 3}
    assert found.histograms["handler"]["tb", "t"].up_to == [0, 0, 3, 3, 3, 3, 3, 3]
    assert found.histograms["lag"]["tb", "t"].up_to == [0, 0, 3, 3, 3, 3, 3, 3]
    assert (found.histograms["handler"]["tb", "t"].seconds, found.histograms["lag"]["tb", "t"].seconds) == (0.09, 21.0)


def test_a_message_without_a_time_has_no_lag() -> None:
    found = read(measures.handled("tb", "t", 99_000_000, None))
    assert found.histograms["handler"]["tb", "t"].buckets[-1] == 1
    assert sum(found.histograms["lag"]["tb", "t"].buckets) == 0


def test_what_a_mark_counts_is_not_counted_with_its_batch() -> None:
    ends = [("t", outcome, ()) for outcome in ("handled", "dead", "superseded", "again", "ignored", "late", "ignored")]
    assert read(measures.ended("tb", ends)).counters["message"] == {("tb", "t", "ignored"): 2, ("tb", "t", "late"): 1}


@pytest.mark.parametrize("took", [(), (5,), ("later", "more"), (5, "later"), (None, None)])
def test_a_handled_message_counts_where_it_says_how_long_it_took(took: tuple[object, ...]) -> None:
    assert measures.ended("tb", [("t", "handled", took)]) == {}
    assert read(measures.ended("tb", [("t", "handled", (5, None, *took))])).counters["message"] == {
        ("tb", "t", "handled"): 1
    }


def test_a_message_of_the_year_1_says_nothing_of_how_late_it_is() -> None:
    """Two hundred of them were more than a counter takes: the confirm of their batch failed, and each later one."""
    since = measures.micros(2026 * 365 * 86_400)
    found = read(measures.ended("tb", [("t", "handled", (5, since)), ("t", "handled", (5, 2_000_000))]))
    assert found.counters["message"] == {("tb", "t", "handled"): 2}
    assert sum(found.histograms["lag"]["tb", "t"].buckets) == 1
    assert found.histograms["lag"]["tb", "t"].seconds == 2


def test_what_a_batch_brought_and_gave_to_nobody_are_duplicates() -> None:
    found = read(measures.came("tb", {"a": 5, "b": 1}, {"a": 3}, ["dead"], new=True))
    assert found.counters["pulled"] == {("tb", "a"): 5, ("tb", "b"): 1, ("tb", ""): 1}
    outcomes = {labels: number for labels, number in found.counters["message"].items() if number}
    assert outcomes == {("tb", "a", "duplicate"): 2, ("tb", "b", "duplicate"): 1, ("tb", "", "dead"): 1}


def test_what_is_handed_out_again_was_pulled_before() -> None:
    assert sum(read(measures.came("vv", {"a": 5}, {"a": 5}, ["dead"], new=False)).counters["pulled"].values()) == 0


def test_calls_that_were_answered_are_measured_by_their_kind() -> None:
    calls = measures.Answered()
    for seconds, now in ((0.2, 8.0), (0.3, 9.0), (99.0, 7.0)):
        calls.add("pull", seconds, now)
    calls.add("count", 1, 9.0)
    row = dict.fromkeys(range(2 * measures.SLOTS), 0) | dict(calls.adds) | calls.latest
    found = measures.measured({}, {"tb": [*row.values()]})
    assert found.histograms["pull"]["tb",].buckets == [0, 0, 1, 1, 0, 0, 0, 0, 1]
    assert found.histograms["pull"]["tb",].seconds == pytest.approx(99.5)
    assert not found.histograms["confirm"]
    assert row[measures.SLOTS - 1] == 9000


def test_names_from_outside_cannot_break_a_field() -> None:
    assert measures.plain("a\tb\nc" + "x" * 500) == "a b c" + "x" * 195
    assert measures.plain("\ud83d") == "?"
    assert measures.plain("退款") == "退款"


def test_what_another_version_has_written_is_left_out() -> None:
    assert read({"": 1, "a\tb": 2, "handled\ttb\tt": 3, "later\ttb\t\t99": 4}).counters == {}


@pytest.mark.parametrize(
    ("pause", "why"),
    [
        (Pause(1, "resting", by_hand=True), "by_hand"),
        (Pause(1, "expired session", "renew it", fingerprint="x"), "refused"),
        (Pause(1, "20 would be buried", "mend the handlers"), "dead_letters"),
        (Pause(1, "banned"), "limits"),
    ],
)
def test_the_kind_of_a_pause(pause: Pause, why: str) -> None:
    assert measures.reason(pause) == why
