"""Whether workers have the same handlers, and in what they differ."""

from collections.abc import Iterator

import pytest

from handlers import Message, Registry
from tasks.rules.registries import (
    Difference,
    Entry,
    Node,
    Stranger,
    beside,
    difference,
    entries,
    fingerprint,
    strangers,
)
from tasks.store.wire import read

USUAL = (Entry("a", "shop.on_a", "dict", "/one/shop.py:3"), Entry("b_*", "shop.on_b", "str", pattern=True))


def node(name: str, lot: tuple[Entry, ...], since: float = 0.0) -> Node:
    return Node(name, since, fingerprint(lot) if lot else "")


def told(*nodes: tuple[Node, tuple[Entry, ...]]) -> list[Stranger]:
    return strangers([node for node, _ in nodes], {each.fingerprint: lot for each, lot in nodes})


def test_what_is_registered_is_told_with_handler_model_and_place() -> None:
    registry = Registry()

    @registry.handles("b_*", "a")
    def on_any(content: str) -> None: ...

    first, second = entries(registry)
    assert (first.topic, first.model, first.pattern, second.topic, second.pattern) == ("a", "str", False, "b_*", True)
    assert first.handler.endswith("on_any")
    assert f"{__file__}:" in first.place


def test_the_fingerprint_is_of_what_is_registered_wherever_it_is_installed_and_in_whatever_order() -> None:
    elsewhere = (USUAL[1], Entry("a", "shop.on_a", "dict", "/two/shop.py:9"))
    assert fingerprint(USUAL) == fingerprint(elsewhere)


@pytest.mark.parametrize(
    "other",
    [
        Entry("a2", "shop.on_a", "dict"),
        Entry("a", "shop.on_b", "dict"),
        Entry("a", "shop.on_a", "TradeCreate"),
        Entry("a", "shop.on_a", "dict", fallback=True),
    ],
)
def test_another_topic_function_or_model_is_another_fingerprint(other: Entry) -> None:
    assert fingerprint((other, USUAL[1])) != fingerprint(USUAL)


def test_what_runs_around_handlers_and_their_resources_count_too() -> None:
    def timed(message: Message) -> Iterator[None]:
        yield

    def archived(message: Message) -> Iterator[None]:
        yield

    def engine(settings: dict[str, str]) -> str:
        return "one"

    registries = [Registry() for _ in range(5)]
    for registry, arounds in zip(registries, ((), (timed,), (timed, archived), (archived, timed), ()), strict=True):
        for around in arounds:
            registry.around(around)
    registries[4].resources.resource(engine)
    prints = {fingerprint(USUAL, beside(registry)) for registry in registries}
    assert len(prints) == 5
    assert fingerprint(USUAL, beside(registries[0])) == fingerprint(USUAL), "as earlier versions tell it"


def test_one_that_has_the_same_handlers_is_named_too() -> None:
    odd = Node("odd", 0.0, fingerprint(USUAL, ["around shop.timed"]))
    [said] = told((node("one", USUAL), USUAL), (node("two", USUAL), USUAL), (odd, USUAL))
    assert said == Stranger("odd", 2, Difference())


def test_workers_that_have_the_same_have_nothing_said_of_them() -> None:
    assert told((node("one", USUAL), USUAL), (node("two", USUAL), USUAL), (node("pulls", ()), ())) == []
    assert told() == []


def test_the_one_that_differs_is_named_and_in_what() -> None:
    lot = (Entry("a", "shop.later", "dict"), Entry("c", "shop.on_c", "str"))
    said = told((node("one", USUAL), USUAL), (node("two", USUAL), USUAL), (node("odd", lot), lot))
    assert said == [Stranger("odd", 2, Difference(("b_*",), ("c",), ("a",)))]


def test_of_two_the_one_that_started_first_is_the_odd_one() -> None:
    lot = (USUAL[0],)
    [said] = told((node("new", USUAL, 20.0), USUAL), (node("old", lot, 10.0), lot))
    assert said.worker == "old"


def test_that_they_differ_is_said_where_nobody_knows_in_what() -> None:
    assert strangers([Node("a", 1, "x"), Node("b", 2, "y")], {}) == [Stranger("a", 1)]
    assert difference(USUAL, ()) is None


def test_topics_of_a_difference_are_in_order() -> None:
    lot = (*USUAL, *(Entry(f"t{number}", "shop.f") for number in (2, 0, 1)))
    assert difference(lot, USUAL) == Difference(alone=("t0", "t1", "t2"))


def test_options_that_differ_are_a_difference_and_none_leave_what_earlier_versions_know_it_by() -> None:
    plain, asked = Entry("a", "m.f", "dict"), Entry("a", "m.f", "dict", timeout=10.0, queue="slow")
    assert plain.says == "a m.f dict 0"
    assert fingerprint([plain]) != fingerprint([asked])
    assert difference([plain], [asked]) == Difference(other=("a",))


def test_what_an_earlier_version_has_written_is_read() -> None:
    written = {"topic": "a", "handler": "m.f", "model": "dict", "place": "m.py:1", "pattern": False, "fallback": False}
    assert read(Entry, written) == Entry("a", "m.f", "dict", "m.py:1")
    assert read(Entry, {**written, "later": 1}).options == ""
