"""The free table of an account: what it may hold, and how secrets in it are looked up for handlers alone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tasks.accounts import Account, AccountsError, load
from tasks.accounts.checking import check
from tasks.accounts.extra import extra_of, unresolved
from tasks.accounts.secrets import Secrets, Unresolved

GATEWAYS = {"tb": {"platform": "taobao", "app_key": "1", "app_secret": "env:TB"}}


def account(extra: Any) -> Account:
    raw = {"gateways": GATEWAYS, "accounts": {"shop": {"gateway": "tb", "extra": extra}}}
    return check(raw, Secrets({"TB": "x"}, Path()), "accounts.toml").accounts["shop"]


def test_it_may_hold_all_that_json_has(tmp_path: Path) -> None:
    table = {"url": "https://hook", "retries": 3, "share": 0.5, "on": True, "tags": ["a", {"b": []}], "id": 10**18 + 1}
    assert extra_of(account(table), Secrets({}, tmp_path)) == table
    assert extra_of(account({}), Secrets({}, tmp_path)) == {}


def test_it_is_read_from_a_table_of_its_own_too(tmp_path: Path) -> None:
    file = tmp_path / "accounts.toml"
    file.write_text(
        '[gateways.tb]\nplatform = "taobao"\napp_key = "1"\napp_secret = "env:TB"\n'
        '[accounts.shop]\ngateway = "tb"\n[accounts.shop.extra]\nwarehouse = 7\n'
        '[accounts.other]\ngateway = "tb"\ngroup = "g"\n'
    )
    found = load(str(file), {"TB": "x"}).accounts
    assert extra_of(found["shop"], Secrets({}, tmp_path)) == {"warehouse": 7}
    assert extra_of(found["other"], Secrets({}, tmp_path)) == {}


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("text", "a table"),
        ([1], "a table"),
        ({"since": datetime(2026, 1, 1, tzinfo=UTC)}, "extra.since is of type datetime"),
        ({"a": [{"b": float("nan")}]}, "extra.a[0].b is no finite number"),
        ({"a": {1: "x"}}, "extra.a has a key that is no text, but of type int"),
        ({"a": "x" * 70_000}, "characters at most"),
    ],
)
def test_what_json_does_not_have_is_refused_by_its_place_without_showing_it(extra: Any, said: str) -> None:
    with pytest.raises(AccountsError) as refused:
        account(extra)
    (fault,) = refused.value.faults
    assert fault.path == "accounts.shop.extra"
    assert said in str(fault)
    assert "xxx" not in str(fault)


def test_what_is_nested_without_end_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["more"] = endless
    with pytest.raises(AccountsError, match="nested too deeply"):
        account(endless)


def test_references_are_looked_up_when_a_handler_asks_and_not_before(tmp_path: Path) -> None:
    shop = account({"hook": {"secret": "env:HOOK"}, "keys": ["file:key"]})
    assert "HOOK" not in repr(shop)
    with pytest.raises(Unresolved) as missing:
        extra_of(shop, Secrets({}, tmp_path))
    assert str(missing.value) == "accounts.shop.extra.hook.secret: the environment variable HOOK is not set"
    (tmp_path / "key").write_text("k1\n")
    assert extra_of(shop, Secrets({"HOOK": "s3cret"}, tmp_path)) == {"hook": {"secret": "s3cret"}, "keys": ["k1"]}
    assert list(unresolved(shop, Secrets({"HOOK": "s3cret"}, tmp_path))) == []
    assert list(unresolved(shop, Secrets({}, tmp_path))) == [str(missing.value)]


def test_a_change_of_it_is_another_account() -> None:
    assert account({"a": 1}) == account({"a": 1})
    assert account({"a": 1}) != account({"a": 2})
    hash(account({"a": 1}))
