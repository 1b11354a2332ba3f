"""Which outcomes allow a confirm."""

from typing import get_args

from tasks.rules.outcomes import CONFIRMABLE, Outcome, confirmable


def test_only_what_is_over_may_be_confirmed() -> None:
    results = [(outcome, outcome) for outcome in get_args(Outcome)]
    assert set(confirmable(results)) == {"handled", "duplicate", "superseded", "ignored", "dead"} == CONFIRMABLE


def test_an_unknown_outcome_is_never_confirmed() -> None:
    assert confirmable([("1", "HANDLED"), ("2", ""), ("3", "ok")]) == []


def test_each_receipt_stands_once_and_an_item_without_an_id_not_at_all() -> None:
    assert confirmable([("2", "handled"), ("1", "dead"), ("2", "duplicate"), ("", "dead")]) == ["2", "1"]
