"""Numbers in few characters."""

import pytest

from tasks.commands import tables
from tasks.commands.status import columns

BRIEF = {None: "-", 0: "0", 0.004: "<0.01", 0.01: "0.01", 0.123: "0.12", 1.04: "1.0", 12.34: "12.3", 100.4: "100"}
LARGE = {9_999: "9999", 10_000: "10k", 1_234_000: "1234k", 12_340_000: "12M"}


@pytest.mark.parametrize(("number", "text"), [*BRIEF.items(), *LARGE.items()])
def test_numbers_are_brief(number: float | None, text: str) -> None:
    assert columns.brief(number) == text


@pytest.mark.parametrize(
    ("each", "text"), [(None, "-"), (0.001, "<0.01"), (0.98765, "0.99"), (1, "1.00"), (33.21, "33.2")]
)
def test_the_cost_of_a_message_has_two_places_while_it_is_small(each: float | None, text: str) -> None:
    assert columns.cost(each) == text


def test_a_limit_stands_beside_what_is_used() -> None:
    assert columns.part(0, 500) == "0 of 500"
    assert columns.part(12, None) == "12"
    assert columns.part(0, None) == "-"


def test_one_is_one() -> None:
    assert (tables.many(1, "account"), tables.many(0, "account")) == ("1 account", "0 accounts")
