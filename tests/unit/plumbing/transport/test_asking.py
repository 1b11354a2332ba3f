"""A question for messages: what its answer brings, and what becomes of it when nobody answers."""

import os
from collections import deque
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks.plumbing.transport import prefetch
from tasks.plumbing.transport.asking import Asking
from tasks.plumbing.transport.prefetch import Taken
from tasks.plumbing.transport.record import Record
from tasks.plumbing.transport.settling import Books

LISTS = {"one-list": "one", "other-list": "other"}


class Connection:
    """Of a connection to Redis, what is sent over it and what it answers; it breaks where it has nothing to say.

    Like kombu's it tells its channel when it ends.
    """

    def __init__(self, *answers: list[Any]) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.answers = deque(answers)
        self.cut, self.ended = False, 0
        self.asking: Asking | None = None

    def send_command(self, *words: Any) -> None:
        if self.cut:
            raise RedisConnectionError("cut")
        self.sent.append(words)

    def read_response(self) -> list[Any]:
        if not self.answers:
            raise RedisConnectionError("cut")
        return self.answers.popleft()

    def disconnect(self) -> None:
        self.ended += 1
        if self.asking:
            self.asking.disconnected(self)


class World:
    def __init__(self) -> None:
        self.books, self.lost = Books(os.getpid()), 0
        self.asking = Asking(Record("p:", "unacked", "index", no_pool), self.books, self.lose)

    def lose(self) -> None:
        self.lost += 1


def no_pool() -> Any:
    raise AssertionError("asks over the connection that it is given")


@pytest.fixture(autouse=True)
def _near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "away", 0.0)


@pytest.fixture
def world() -> World:
    return World()


def come(taken: list[Taken]) -> list[tuple[str, str, bytes]]:
    return [(each.queue, each.key, each.text) for each in taken]


def test_what_was_popped_comes_before_what_is_taken(world: World) -> None:
    connection = Connection([1, b"a", 2, b"b"])
    popped = world.asking.popped("other", "other-list", b"popped")
    assert not world.asking
    world.asking.ask(connection, LISTS, 5, popped)
    assert world.asking
    found = world.asking.answer()
    assert not world.asking
    assert come(found) == [
        ("other", "other-list", b"popped"),
        ("one", "one-list", b"a"),
        ("other", "other-list", b"b"),
    ]
    assert len({each.tag for each in found}) == 3
    assert all(world.asking.recorded(each.tag) for each in found)
    assert prefetch.away > 0, "it is known how far away Redis is"
    assert world.lost == 0


def test_tags_are_those_that_the_script_gives_and_another_channel_has_others(world: World) -> None:
    connection = Connection([1, b"a"], [1, b"b"])
    for number in (0, 3):
        world.asking.ask(connection, LISTS, 3)
        (taken,) = world.asking.answer()
        *_, most, prefix, before, done, held, _text, _tag, _one, _other = connection.sent[-1]
        assert (most, before, done, held) == (3, number, 0, 0)
        assert taken.tag == f"{prefix}{number + 1}"
    assert not World().asking.recorded(taken.tag)


@pytest.mark.parametrize(
    ("most", "answer", "dry"),
    [(2, [1, b"a", 1, b"b"], False), (2, [1, b"a"], True), (2, [], True), (0, [], True)],
)
def test_the_queues_are_dry_unless_all_came_that_was_asked_for(
    world: World, most: int, answer: list[Any], dry: bool
) -> None:
    world.asking.dry = not dry
    world.asking.ask(Connection(answer), LISTS, most)
    world.asking.answer()
    assert world.asking.dry == dry


def test_what_is_done_is_written_off_with_a_question(world: World) -> None:
    connection = Connection([])
    world.books.done.extend(["x", "y"])
    world.asking.ask(connection, LISTS, 1)
    assert not world.books.done
    assert connection.sent[0][-8:-3] == (2, "x", "y", 0, b"")
    world.asking.answer()
    assert not world.books.done
    assert world.books.lists == LISTS, "by which what was taken can be given back"


@pytest.mark.parametrize("tells", [False, True])
@pytest.mark.parametrize("moment", ["sending", "reading", "between"])
def test_a_question_that_is_lost_goes_into_the_books_once(world: World, moment: str, tells: bool) -> None:
    connection = Connection()
    connection.asking = world.asking if tells else None
    connection.cut = moment == "sending"
    world.books.done.extend(["x", "y"])
    popped = world.asking.popped("one", "one-list", b"popped")
    if moment == "between":
        world.asking.ask(connection, LISTS, 2, popped)
        world.asking.disconnected(connection)
    else:
        with pytest.raises(RedisConnectionError):
            ask_and_read(world, connection, popped)
        assert connection.ended == 1, "nobody reads an answer that was not for them"
    assert not world.asking
    assert world.lost == 1
    assert list(world.books.done) == ["x", "y"]
    assert world.books.loose == {popped.tag: ("one-list", b"popped")}
    first, *rest = world.books.back
    assert first == popped.tag
    assert len(rest) == 2
    assert all(map(world.asking.recorded, rest))
    following = Connection([1, b"a"])
    world.asking.ask(following, LISTS, 1)
    assert world.asking.answer()[0].tag not in world.books.back


def ask_and_read(world: World, connection: Connection, popped: Taken) -> None:
    world.asking.ask(connection, LISTS, 2, popped)
    world.asking.answer()


def test_another_connection_may_be_lost(world: World) -> None:
    world.asking.ask(Connection([1, b"a"]), LISTS, 1)
    world.asking.disconnected(Connection())
    assert world.asking
    assert come(world.asking.answer()) == [("one", "one-list", b"a")]
    assert (world.lost, world.books.back) == (0, [])


def test_where_nothing_was_asked_nothing_comes(world: World) -> None:
    assert world.asking.answer() == []
