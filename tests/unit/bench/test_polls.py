"""The arithmetic of the polls' bench: what is wrong here would tell a lie about every poll."""

from pathlib import Path

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
