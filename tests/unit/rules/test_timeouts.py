"""Timeouts of handlers against the leases that there are."""

from math import inf

from tasks.rules.registries import Entry
from tasks.rules.timeouts import too_long

LEASES = {"qm": 600.0, "tb": 300.0}


def entry(timeout: float | None, topic: str = "t") -> Entry:
    return Entry(topic, "shop.on_paid", "dict", "shop.py:12", timeout=timeout)


def test_what_the_shortest_lease_leaves_is_nothing_to_tell_of() -> None:
    assert not list(too_long([entry(None), entry(120.0)], LEASES, 180.0))
    assert not list(too_long([entry(1000.0)], {}, 180.0))


def test_a_longer_one_is_told_once_a_handler_with_its_place_and_what_to_write() -> None:
    (said,) = too_long([entry(121.0), entry(121.0, "other")], LEASES, 180.0)
    assert str(said) == (
        "shop.on_paid at shop.py:12 asks for timeout=121, but a try has 120 s under the lease of gateway tb (300 s): "
        "write timeout=120 or less, or raise lease_seconds if the platform's own is longer"
    )


def test_where_messages_come_again_before_that_it_is_the_limit() -> None:
    (said,) = too_long([entry(230.0)], {"qm": 600.0}, 240.0)
    assert str(said) == (
        "shop.on_paid at shop.py:12 asks for timeout=230, but a try has 216 s before another worker would get its message "
        "(240 s): write timeout=216 or less, or raise TIDINGS_VISIBILITY_SECONDS"
    )
    assert not list(too_long([entry(230.0)], {"qm": 600.0}, inf))
