"""How much a worker takes, and whose turn it is."""

import pytest

from tasks.plumbing.transport.prefetch import MOST, WINDOW, Pace, Stock, Taken, worth_taking


@pytest.mark.parametrize(
    ("places", "lately", "popped", "expected"),
    [
        (0, 50, 0, 0),  # nothing can begin
        (0, 50, 1, 0),
        (4, 0, 0, 4),  # nothing is known of the pace, or it is slow: what can begin
        (1, 1, 0, 2),
        (1, 0, 1, 0),  # what has been popped fills the only place
        (1, 9, 1, 9),
        (2, 50, 0, 52),  # quick tasks: as many more as end in a window
        (4, 10_000, 0, MOST),
        (500, 0, 1, MOST - 1),
    ],
)
def test_what_can_begin_is_taken_and_as_much_more_as_was_finished_lately(
    places: int, lately: int, popped: int, expected: int
) -> None:
    assert worth_taking(places, lately, popped) == expected


def test_the_pace_is_what_was_finished_in_the_last_window() -> None:
    pace = Pace(0.0)
    for _ in range(30):
        pace.done()
    assert pace.lately(WINDOW / 2) == 30, "at once, so that a start is quick"
    assert pace.lately(WINDOW) == 30
    assert pace.lately(WINDOW * 1.5) == 30, "the last whole window counts while the next one runs"
    assert pace.lately(WINDOW * 2) == 0, "in which nothing was finished"


def test_the_pace_of_a_long_time_is_that_of_a_window_of_it() -> None:
    pace = Pace(0.0)
    for _ in range(40):
        pace.done()
    assert pace.lately(WINDOW * 10) == 4


def taken(queue: str, number: int, at: float = 0.0) -> Taken:
    return Taken(f"{queue}{number}", queue, queue, b"", at)


def stock(*messages: Taken) -> Stock[Taken]:
    made: Stock[Taken] = Stock()
    for each in messages:
        made.add(each)
    return made


def tags(made: Stock[Taken]) -> list[str]:
    out = []
    while made:
        out.append(made.next().tag)
    return out


def test_queues_take_turns_and_each_keeps_its_order() -> None:
    made = stock(*(taken("handle", n) for n in range(4)), taken("confirm", 0), taken("consume", 0), taken("consume", 1))
    assert len(made) == 7
    assert tags(made) == ["handle0", "confirm0", "consume0", "handle1", "consume1", "handle2", "handle3"]


def test_a_message_of_another_queue_waits_for_one_at_most() -> None:
    made = stock(*(taken("handle", n) for n in range(4)))
    made.next()
    made.add(taken("confirm", 0))
    assert tags(made)[:2] == ["handle1", "confirm0"]


def test_an_empty_stock_has_no_next() -> None:
    with pytest.raises(LookupError):
        Stock().next()


def test_what_is_withdrawn_is_gone_and_the_rest_stays_in_order() -> None:
    made = stock(taken("handle", 0, 1.0), taken("confirm", 0, 1.0), taken("handle", 1, 2.0), taken("handle", 2, 3.0))
    assert [each.tag for each in made.withdraw(before=2.0)] == ["handle0", "confirm0"]
    assert [each.tag for each in made.withdraw(queue="confirm")] == []
    made.add(taken("confirm", 1, 3.0))
    assert [each.tag for each in made.withdraw(queue="confirm")] == ["confirm1"]
    assert tags(made) == ["handle1", "handle2"]
    assert made.withdraw() == []
