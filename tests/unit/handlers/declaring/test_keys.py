"""What keys that are functions are told from each other by."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any

import pytest

from handlers import Registry
from handlers.declaring.keys import name_of
from tests import ROOT

Key = Callable[[Any], object]


def by(member: str) -> Key:
    def its(content: dict[str, Any]) -> object:
        return content[member]

    return its


def after(function: Key) -> Key:
    return lambda content: str(function(content))


def read(member: str, content: dict[str, Any]) -> object:
    return content[member]


def named(content: dict[str, Any]) -> object:
    return content["tid"]


def itself() -> Key:
    def again(content: Any) -> object:
        return again(content[0]) if isinstance(content, list) else content

    return again


class ByTid:
    def __call__(self, content: dict[str, Any]) -> object:
        return content["tid"]


class Shy(ByTid):
    def __repr__(self) -> str:
        raise RuntimeError


TWO = [
    (lambda content: content["tid"], lambda content: content["oid"]),
    (lambda content: content["tid"], lambda content, member="tid": content[member]),
    (lambda content, *, member="tid": content[member], lambda content, *, member="oid": content[member]),
    (lambda content: content.tid, lambda content: content.oid),
    (lambda content: [each["tid"] for each in content], lambda content: [each["oid"] for each in content]),
    (by("tid"), by("oid")),
    (after(by("tid")), after(by("oid"))),
    (partial(read, "tid"), partial(read, "oid")),
    (partial(read, member="tid"), partial(read, member="oid")),
    (named, lambda content: content["oid"]),
    (itemgetter("tid"), itemgetter("oid")),
    (attrgetter("tid"), itemgetter("tid")),
    (partial(max, 1), partial(max, 2)),
    (str, len),
    (str.lower, str.upper),
    (by("tid"), after(Shy())),
]
ONE = [
    (lambda content: content["tid"], lambda content: content["tid"]),
    (by("tid"), by("tid")),
    (partial(read, "tid"), partial(read, "tid")),
    (itemgetter("tid"), itemgetter("tid")),
    (named, named),
    (itself(), itself()),
    (ByTid(), ByTid()),
    (Shy(), Shy()),
]


@pytest.mark.parametrize(("one", "other"), TWO)
def test_those_that_differ_are_two(one: Key, other: Key) -> None:
    """Each kept the other's messages waiting: an order's those of a refund that has its number."""
    assert name_of(one) != name_of(other)


@pytest.mark.parametrize(("one", "other"), ONE)
def test_those_that_do_the_same_are_one(one: Key, other: Key) -> None:
    assert name_of(one) == name_of(other)


def test_a_handler_has_that_of_its_option() -> None:
    registry = Registry()

    @registry.handles("paid", key="tid")
    def on_paid(content: dict[str, Any]) -> None: ...

    @registry.handles("refund", key=named)
    def on_refund(content: dict[str, Any]) -> None: ...

    @registry.handles("other")
    def on_other(content: dict[str, Any]) -> None: ...

    assert {each.name.rpartition(".")[2]: each.key_name for each in registry} == {
        "on_paid": "tid",
        "on_refund": f"{__name__}.named",
        "on_other": "",
    }


def test_every_process_has_the_same() -> None:
    """Whatever its hashes are."""
    told = f"import {__name__} as its; from handlers.declaring.keys import name_of; " + (
        "print([name_of(lambda c: c in {'a', 'b', 'c', 'd'}), *(name_of(key) for keys in its.TWO + its.ONE for key in keys)])"
    )
    words = [sys.executable, "-c", told]
    assert len({subprocess.run(words, capture_output=True, check=True, cwd=ROOT).stdout for _ in range(3)}) == 1
