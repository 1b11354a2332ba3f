"""The demo's verdict, from ledger, journal and letters."""

from collections.abc import Sequence
from typing import Any

import pytest

from tasks.commands.demo.cast import CAST, Actor
from tasks.commands.demo.verdict import Sums, judge, summary, when_buried, words
from tasks.platforms import Item
from tasks.sandbox.control import LedgerRow
from tasks.store.letters import Letter

TAOBAO, VVTOOL = CAST[0], CAST[-1]


def row(confirmed: float | None, deliveries: int = 1) -> LedgerRow:
    return {"id": "1", "deliveries": [10.0] * deliveries, "confirmed": confirmed}


def judged(actor: Actor, row: LedgerRow, handled: Sequence[float] = (), *letters: Letter, account: str = "") -> Sums:
    """The sums of one message that was handled at these times, by this account."""
    journal = {(account or actor.name, "1"): handled} if handled else {}
    return judge({actor: [row]}, journal, letters)[actor]


def letter(buried: float, account: str = TAOBAO.name) -> Letter:
    return Letter(Item("", "1", "topic", ""), "taobao", account, "", buried=buried)


def wrong(sums: Sums) -> dict[str, int]:
    return {name: number for name in ("waiting", "lost", "early", "twice") if (number := getattr(sums, name))}


@pytest.mark.parametrize(
    ("case", "row", "handled", "letters", "expected"),
    [
        ("handled, then confirmed", row(12), [11], [], {}),
        ("buried, then confirmed", row(12), [], [letter(11)], {}),
        ("handled twice", row(12), [11, 11.5], [], {"twice": 1}),
        ("not pulled yet", row(None, 0), [], [], {"waiting": 1}),
        ("pulled, nothing more", row(None), [], [], {"waiting": 1}),
        ("handled, not confirmed", row(None), [11], [], {"waiting": 1}),
        ("confirmed before it was handled", row(10.5), [11], [], {"early": 1}),
        ("confirmed before it was buried", row(10.5), [], [letter(11)], {"early": 1}),
        ("confirmed, never handled", row(12), [], [], {"lost": 1, "early": 1}),
        ("buried by another account only", row(12), [], [letter(11, "shop-2")], {"lost": 1, "early": 1}),
    ],
)
def test_a_message_of_a_platform_with_confirms(case: str, row: Any, handled: Any, letters: Any, expected: Any) -> None:
    sums = judged(TAOBAO, row, handled, *letters)
    assert wrong(sums) == expected, case
    assert sums.good == (not set(expected) - {"twice"})


def test_what_another_account_has_handled_is_lost() -> None:
    assert wrong(judged(TAOBAO, row(12), [11], account="shop-2")) == {"lost": 1, "early": 1}


@pytest.mark.parametrize(
    ("case", "row", "handled", "expected"),
    [
        ("pulled and handled", row(None), [11], {}),
        ("not pulled yet", row(None, 0), [], {"waiting": 1}),
        ("pulled, which destroys it, and never handled", row(None), [], {"lost": 1}),
    ],
)
def test_a_message_of_a_platform_that_never_sends_again(case: str, row: Any, handled: Any, expected: Any) -> None:
    assert wrong(judged(VVTOOL, row, handled)) == expected, case


def test_redeliveries_are_counted() -> None:
    assert judged(TAOBAO, row(12, deliveries=3), [11]).again == 1


def test_the_content_of_a_letter_counts_only_where_its_message_is_not_known() -> None:
    known, unknown = (Letter(Item("", "m2", topic, "m1"), "taobao", "a", "", buried=1.0) for topic in ("t", ""))
    assert when_buried([known], "a", "m1") is None
    assert when_buried([unknown], "a", "m1") == 1.0


def test_the_summary_names_every_sum_and_the_words_every_fault() -> None:
    total = Sums(published=9, handled=5, lost=1, early=2, waiting=3)
    assert "lost 1  early 2" in summary(total)
    assert words(total) == (
        "1 of 9 messages were lost; 2 of 9 messages were confirmed early; 3 of 9 messages wait to be handled and confirmed."
    )


def test_nothing_published_is_no_success() -> None:
    assert not Sums().good
    assert words(Sums()) == "nothing was published."
