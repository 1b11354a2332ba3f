"""The arithmetic of the polls' bench: what is wrong here would tell a lie about every poll."""

from pathlib import Path

from tests.bench.hundred_thousand import Change, Due, forgotten, lateness
from tests.bench.polls import book
from tests.bench.polls.book import Call
from tests.bench.polls.figures import figures
from tests.bench.polls.platform import length, value
from tests.bench.polls.usage import Usage

CALLS = [Call(10.0, 1, 100, 0), Call(10.5, 2, 100, 0), Call(11.0, 1, 0, 3), Call(13.5, 1, 50, 7), Call(20.0, 1, 100, 0)]


def test_the_book_gives_back_what_was_written_and_leaves_out_what_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "book"
    path.write_bytes(b"".join(call.written() for call in CALLS)[:-1])
    assert list(book.calls(path)) == CALLS[:-1]


def test_polls_are_pulls_of_the_time_asked_for() -> None:
    assert book.pulls(CALLS, 10.5, 20.0) == [CALLS[1], CALLS[3]]


def test_gaps_are_those_between_pulls_of_one_account() -> None:
    assert book.gaps(CALLS) == [3.5, 6.5]


def test_a_share_of_ordered_values() -> None:
    assert [book.share([1.0, 2.0, 3.0, 4.0], part) for part in (0, 0.5, 0.99, 1)] == [1.0, 3.0, 4.0, 4.0]
    assert book.share([], 0.5) == float("inf")


def test_the_platform_reads_forms_and_heads_as_requests_writes_them() -> None:
    assert value(b"method=taobao.tmc.messages.consume&group_name=g17&quantity=100", b"group_name=g") == b"17"
    assert value(b"quantity=50&group_name=g17", b"quantity=") == b"50"
    assert value(b"method=x", b"quantity=") == b"0"
    assert length(b"POST / HTTP/1.1\r\nContent-Length: 42\r\nAccept: */*") == 42


def test_figures_are_a_poll_and_beside_the_bare_loop() -> None:
    usage = Usage(
        seconds=10,
        polls=5000,
        gaps=[],
        cpu={"worker": 7.5, "beat": 2.5},
        redis_cpu=1,
        platform_cpu=1,
        foreign=0,
        commands={"evalsha": 20000, "get": 5000},
        reads=10000,
        memory={},
    )
    found = list(figures("pull", usage, {"rate": 1000, "cpu": 0.5}))
    assert [figure.value for figure in found] == [500, 2.0, 0.5, 4.0, 5.0, 2.0]
    assert [figure.met for figure in found] == [False, True, True, False, True, True]


def test_a_poll_is_late_by_its_due_time_and_then_by_the_poll_before() -> None:
    due = Due(began=100.0, accounts=2, every=10.0)
    some = [Call(90.0, 0, 100, 0), Call(100.5, 0, 100, 0), Call(105.0, 1, 100, 0), Call(112.0, 0, 100, 0)]
    assert lateness(some, due) == [0.0, 0.5, 1.5]
    assert (due.at(105.0), due.at(113.0)) == (1, 0)
    assert [forgotten(some, due, end) for end in (116.0, 118.0, 130.0)] == [0, 1, 2]


def test_a_change_is_in_force_when_nobody_calls_as_before() -> None:
    change = Change(frozenset({1, 2}), at=10.0)
    before, anew = Call(11.0, 1, 100, 0), [Call(12.0, 2, 50, 0), Call(13.0, 1, 50, 0), Call(20.0, 1, 50, 0)]
    assert change.as_before([before, *anew]) == 1.0
    assert change.anew([before, *anew]) == [2.0, 3.0]
    assert change.anew([before]) == []
    assert change.others([before, Call(11.0, 3, 100, 0)]) == [Call(11.0, 3, 100, 0)]
