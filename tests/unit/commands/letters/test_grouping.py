"""Which letters belong together, and what stands for what differs."""

import pytest

from tasks.commands.letters.choice import Choice
from tasks.commands.letters.grouping import Groups, pattern
from tasks.platforms import Item
from tasks.store.letters import Letter


def letter(reason: str, id_: str = "1", topic: str = "t", account: str = "shop", buried: float = 1.0) -> Letter:
    return Letter(Item("", id_, topic, "{}"), "taobao", account, reason, names=("app", id_), buried=buried)


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        (["buyer_nick: missing"], "buyer_nick: missing"),
        (["orders[0].price: missing", "orders[17].price: missing"], "orders*.price: missing"),
        (["address2: missing"], "address2: missing"),
        (["no shop 12", "no shop 1588826713157361977"], "no shop *"),
        (["no stock for 'red socks'", "no stock for '袜子'"], "no stock for *"),
        (["trade 7f3e2b1c-1111-4222-8333-444455556666 is gone", "trade 00ff00ff00ff is gone"], "trade * is gone"),
        (["added facade", "added facade"], "added facade"),
        (
            ["failed in 5 deliveries, at last with KeyError", "failed in 7 deliveries, at last with KeyError"],
            "failed in * deliveries, at last with KeyError*",
        ),
        (
            [
                "failed in 5 deliveries, at last with KeyError: 'price' (at shop.py:12 in on_paid)",
                "failed in 5 deliveries, at last with KeyError: 'tid (at home)' (at shop.py:12 in on_paid)",
                "failed in 5 deliveries, at last with KeyError (at shop.py:12 in on_paid)",
            ],
            "failed in * deliveries, at last with KeyError* (at shop.py:12 in on_paid)",
        ),
        (
            [
                "failed in 5 deliveries, at last with JSONDecodeError: No value (char 0) (at a.py:5, called at b.py:1 in f)"
            ],
            "failed in * deliveries, at last with JSONDecodeError* (at a.py:5, called at b.py:1 in f)",
        ),
        (
            ["6 tries began and never ended: its handler kills the process that runs it"],
            "* tries began and never ended: its handler kills the process that runs it",
        ),
        (["skus [A-x] of 12 are unknown", "skus [A-x] of 7 are unknown"], "skus [A-x] of * are unknown"),
        ([""], ""),
    ],
)
def test_what_differs_from_letter_to_letter_is_folded_and_the_pattern_finds_them_again(
    reasons: list[str], expected: str
) -> None:
    assert {pattern(reason) for reason in reasons} == {expected}
    assert all(Choice(reason=expected).fits(letter(reason)) for reason in reasons)


def test_only_star_and_question_mark_stand_for_any() -> None:
    """What is dropped by a reason with brackets in it is what has them."""
    assert not Choice(reason="skus [A-x] *").fits(letter("skus C of 12"))
    assert not Choice(account="x[1]*").fits(letter("", account="x12"))


@pytest.mark.parametrize(
    ("typed", "fit"), [("TradeCreate", True), ("Trade*", True), ("taobao_trade_TradeCreate", True), ("Create", False)]
)
def test_a_topic_may_be_named_by_its_last_part_as_everywhere(typed: str, fit: bool) -> None:
    assert Choice(topic=typed).fits(letter("", topic="taobao_trade_TradeCreate")) is fit


def test_one_exception_at_two_places_is_two_groups() -> None:
    one, other = (
        f"failed in 5 deliveries, at last with KeyError: 'tid' (at shop.py:{line} in on_paid)" for line in (1, 2)
    )
    assert pattern(one) != pattern(other)


def test_groups_have_the_most_frequent_first_and_know_whose_and_when() -> None:
    groups = Groups()
    letters = [
        letter("a: missing", "1", account="shop-1", buried=5.0),
        letter("no such shop", "2", buried=9.0),
        letter("a: missing", "3", account="shop-2", buried=7.0),
        letter("a: missing", "4", topic="u", buried=8.0),
    ]
    assert list(groups.passing(letters)) == letters
    assert groups.shared
    first, *others = groups.all()
    assert first.to_json() == {
        "letters": 2,
        "topic": "t",
        "accounts": ["shop-1", "shop-2"],
        "reason": "a: missing",
        "oldest": 5.0,
        "newest": 7.0,
        "latest": letters[2].id,
    }
    assert [(each.topic, each.reason) for each in others] == [("t", "no such shop"), ("u", "a: missing")]


def test_letters_that_differ_share_nothing() -> None:
    groups = Groups()
    list(groups.passing([letter("a", "1"), letter("a", "2", topic="u"), letter("b", "3")]))
    assert not groups.shared
