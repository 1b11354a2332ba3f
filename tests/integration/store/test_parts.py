"""The count of a chord's headers, on a real Valkey."""

from typing import Any

import pytest
from redis import Redis

from tasks.runtime import Stores
from tasks.store.parts import Parts

KEY = "tidings:parts:b1"


@pytest.fixture
def parts(tidings: Stores) -> Parts:
    tidings.parts.expect("b1", 3, 60)
    return tidings.parts


def add(parts: Parts, place: int, value: object) -> list[object] | None:
    """Add a part; the values of all where it was the last one."""
    complete: list[list[object]] = []
    parts.add("b1", 3, place, value, 60, complete.append)
    return complete[0] if complete else None


def test_the_last_header_gets_the_values_of_all_in_the_order_of_the_headers(parts: Parts) -> None:
    assert add(parts, 2, ["m2", "handled"]) is None
    assert add(parts, 0, ["m0", "failed"]) is None
    assert add(parts, 1, ["m1", "dead"]) == [["m0", "failed"], ["m1", "dead"], ["m2", "handled"]]


def test_a_header_that_returns_twice_counts_once_with_what_it_returned_last(parts: Parts) -> None:
    assert add(parts, 0, None) is None
    assert add(parts, 1, "b") is None
    assert add(parts, 0, "a") is None
    assert add(parts, 2, "c") == ["a", "b", "c"]


@pytest.mark.parametrize("again", [["m0", "handled"], ["m0", "duplicate"], ["m0", "late"], None])
def test_what_may_be_confirmed_stays_with_how_long_it_took(parts: Parts, again: list[str] | None) -> None:
    for value in (["m0", "failed"], ["m0", "handled", 41, 5], again):
        add(parts, 0, value)
    add(parts, 1, ["m1", "ignored"])
    assert add(parts, 2, ["m2", "late"]) == [["m0", "handled", 41, 5], ["m1", "ignored"], ["m2", "late"]]
    assert parts.ended("b1")[0] == ["m0", "handled", 41, 5]


def test_whoever_repeats_a_part_of_a_complete_chord_finds_it_complete(parts: Parts) -> None:
    for place, value in enumerate("abc"):
        add(parts, place, value)
    assert add(parts, 2, "c") == ["a", "b", "c"], "its process was killed before it could publish"


def test_of_two_headers_that_return_together_only_the_last_completes_the_chord(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    last: list[object] = []
    read = parts.redis.lrange

    def meanwhile(*place: Any) -> Any:
        monkeypatch.undo()
        last.append(add(parts, 2, "c"))
        return read(*place)

    add(parts, 0, "a")
    monkeypatch.setattr(parts.redis, "lrange", meanwhile)
    assert add(parts, 1, "b") is None
    assert last == [["a", "b", "c"]]


def test_a_part_of_a_chord_that_is_over_completes_nothing_and_does_not_stay(parts: Parts, redis: Redis) -> None:
    parts.drop("b1")
    assert add(parts, 2, "c") is None
    assert 0 < redis.ttl(KEY) <= 60


def test_a_chord_that_redis_has_lost_completes_when_all_its_headers_return(parts: Parts, redis: Redis) -> None:
    redis.flushdb()
    assert [add(parts, place, value) for place, value in enumerate("abc")] == [None, None, ["a", "b", "c"]]


def test_a_chord_that_never_completes_is_forgotten(parts: Parts, redis: Redis) -> None:
    assert 0 < redis.ttl(KEY) <= 60
    add(parts, 0, "a")
    assert 0 < redis.ttl(KEY) <= 60
