"""The runbook has an entry for each alert, and each alert leads to its entry."""

import re

import pytest

from tests.prometheus import RUNBOOK, rules

ENTRIES = dict(
    re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
)


def test_each_alert_has_its_entry_in_the_same_order_and_each_entry_its_alert() -> None:
    assert list(ENTRIES) == list(rules())


@pytest.mark.parametrize("alert", rules())
def test_an_alert_says_how_bad_it_is_and_leads_to_its_entry(alert: str) -> None:
    rule = rules()[alert]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["runbook_url"] == f"docs/alerts.md#{alert.lower()}"
    assert rule["annotations"]["summary"]


@pytest.mark.parametrize("alert", ENTRIES)
def test_an_entry_says_what_it_means_what_to_look_at_and_what_to_do(alert: str) -> None:
    parts = re.findall(r"^\*\*([\w ]+)\*\* (.+)", ENTRIES[alert], re.MULTILINE)
    assert [name for name, _ in parts] == ["Means", "Look at", "Do"]
    assert not [name for name in re.findall(r"Tidings[A-Z]\w+", ENTRIES[alert]) if name not in ENTRIES]
