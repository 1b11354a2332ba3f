"""What the demo publishes, and the accounts file it writes."""

import json
from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

from handlers.trade import TradeBuyerPay
from tasks.accounts import fingerprint, load
from tasks.commands.demo.cast import CAST, EXPIRED, SECRETS, Actor, accounts_file
from tasks.commands.demo.script import PAID, messages, shares


@pytest.mark.parametrize(("total", "parts"), [(600, 6), (601, 6), (3000, 6), (7, 3), (2, 6)])
def test_shares_add_up_and_differ_by_one_at_most(total: int, parts: int) -> None:
    assert sum(shares(total, parts)) == total
    assert max(shares(total, parts)) - min(shares(total, parts)) <= 1


@pytest.mark.parametrize("actor", CAST, ids=lambda actor: actor.name)
def test_of_a_hundred_messages_three_cannot_be_read_and_six_have_handlers_that_misbehave(actor: Actor) -> None:
    fates = Counter(fate(content) for content in (message["content"] for message in messages(actor, 100)))
    assert fates == {"handled": 91, "unreadable": 3, "fails": 4, "waits": 1, "refuses": 1}


def test_the_paid_orders_among_them_fit_the_model_unless_they_are_meant_not_to() -> None:
    paid = [message["content"] for message in messages(CAST[0], 100) if message["topic"] == PAID]
    assert len([content for content in paid if fits(content)]) == len([c for c in paid if isinstance(c, dict)]) > 40


def test_the_accounts_file_is_right_and_holds_no_secret(tmp_path: Path) -> None:
    text = accounts_file("http://127.0.0.1:1", 10)
    assert not [secret for secret in SECRETS.values() if secret in text]
    assert set(written(tmp_path, text)) == {actor.name for actor in CAST}


def test_a_renewed_session_changes_the_credentials_of_its_account_alone(tmp_path: Path) -> None:
    before = written(tmp_path, accounts_file("http://127.0.0.1:1", 10))
    after = written(tmp_path, accounts_file("http://127.0.0.1:1", 10, renewed=True))
    assert [name for name in before if before[name] != after[name]] == [EXPIRED.name]


def fate(content: object) -> str:
    """What the demo's handlers do with a content."""
    try:
        read = json.loads(content) if isinstance(content, str) else content
    except ValueError:
        return "unreadable"
    return str(read.get("demo", "handled")) if isinstance(read, dict) else "unreadable"


def fits(content: object) -> bool:
    try:
        TradeBuyerPay.model_validate(content)
    except ValidationError:
        return False
    return True


def written(folder: Path, text: str) -> dict[str, str]:
    """The fingerprint of each account in the file."""
    (folder / "accounts.toml").write_text(text)
    return {name: fingerprint(one) for name, one in load(str(folder / "accounts.toml"), SECRETS).accounts.items()}
