"""The demo's verdict, from ledger, journal and letters."""

from typing import Any

import pytest

from tasks.commands.demo.cast import CAST
from tasks.commands.demo.journal import Entry
from tasks.commands.demo.verdict import Sums, judge, summary, words
from tasks.platforms import Item
from tasks.sandbox.control import LedgerRow
from tasks.store.letters import Letter

TAOBAO, VVTOOL = CAST[0], CAST[-1]


def row(confirmed: float | None, deliveries: int = 1) -> LedgerRow:
    return {"id": "1", "deliveries": [10.0] * deliveries, "confirmed": confirmed}


def entry(at: float, account: str = TAOBAO.name) -> Entry:
    return Entry(account, "topic", "1", at)


def letter(buried: float, account: str = TAOBAO.name) -> Letter:
    return Letter(Item("", "1", "topic", ""), "taobao", account, "", buried=buried)


def wrong(sums: Sums) -> dict[str, int]:
    return {name: number for name in ("waiting", "lost", "early", "twice") if (number := getattr(sums, name))}


@pytest.mark.parametrize(
    ("case", "rows", "journal", "letters", "expected"),
    [
        ("handled, then confirmed", [row(12)], [entry(11)], [], {}),
        ("buried, then confirmed", [row(12)], [], [letter(11)], {}),
        ("handled twice", [row(12)], [entry(11), entry(11.5)], [], {"twice": 1}),
        ("not pulled yet", [row(None, 0)], [], [], {"waiting": 1}),
        ("pulled, nothing more", [row(None)], [], [], {"waiting": 1}),
        ("handled, not confirmed", [row(None)], [entry(11)], [], {"waiting": 1}),
        ("confirmed before it was handled", [row(10.5)], [entry(11)], [], {"early": 1}),
        ("confirmed before it was buried", [row(10.5)], [], [letter(11)], {"early": 1}),
        ("confirmed, never handled", [row(12)], [], [], {"lost": 1, "early": 1}),
        ("handled by another account only", [row(12)], [entry(11, "shop-2")], [], {"lost": 1, "early": 1}),
        ("buried by another account only", [row(12)], [], [letter(11, "shop-2")], {"lost": 1, "early": 1}),
    ],
)
def test_a_message_of_a_platform_with_confirms(case: str, rows: Any, journal: Any, letters: Any, expected: Any) -> None:
    sums = judge(TAOBAO, rows, journal, letters)
    assert wrong(sums) == expected, case
    assert sums.good == (not set(expected) - {"twice"})


@pytest.mark.parametrize(
    ("case", "rows", "journal", "expected"),
    [
        ("pulled and handled", [row(None)], [entry(11, VVTOOL.name)], {}),
        ("not pulled yet", [row(None, 0)], [], {"waiting": 1}),
        ("pulled, which destroys it, and never handled", [row(None)], [], {"lost": 1}),
    ],
)
def test_a_message_of_a_platform_that_never_sends_again(case: str, rows: Any, journal: Any, expected: Any) -> None:
    assert wrong(judge(VVTOOL, rows, journal, [])) == expected, case


def test_redeliveries_are_counted() -> None:
    assert judge(TAOBAO, [row(12, deliveries=3)], [entry(11)], []).again == 1


def test_the_summary_names_every_sum_and_the_words_every_fault() -> None:
    total = Sums(published=9, handled=5, lost=1, early=2, waiting=3)
    assert "lost 1  early 2" in summary(total)
    assert words(total) == (
        "1 of 9 messages were lost; 2 of 9 messages were confirmed early; 3 of 9 messages wait to be handled and confirmed."
    )


def test_nothing_published_is_no_success() -> None:
    assert not Sums().good
    assert words(Sums()) == "nothing was published."
