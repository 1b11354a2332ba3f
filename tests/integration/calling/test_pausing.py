"""Who is left alone after a call that was refused, on a real Valkey: all whom it concerns."""

from pathlib import Path

import pytest

from tasks import clock, runtime
from tasks.accounts import Account
from tasks.calling import pausing
from tasks.commands.accounts.listing import standings
from tasks.platforms import BadRequest, PlatformError, Unauthorised
from tasks.runtime import Stores

ACCOUNTS = """
[gateways.vv]
platform = "vvtool"
token = "env:TB_SECRET"
[accounts.one]
gateway = "vv"
shop_id = "1"
[accounts.two]
gateway = "vv"
shop_id = "2"
"""


@pytest.fixture
def shops(tidings: Stores, tmp_path: Path) -> tuple[Account, Account]:
    """Two shops behind one gateway."""
    (tmp_path / "accounts.toml").write_text(ACCOUNTS)
    runtime.accounts_source.cache_clear()
    known = runtime.accounts().accounts
    return known["one"], known["two"]


@pytest.mark.parametrize(
    "error",
    [Unauthorised("token ended", remedy="renew it", scope="gateway"), BadRequest("no such path", scope="gateway")],
)
def test_what_is_refused_to_a_gateway_is_asked_for_by_none_of_its_accounts(
    error: PlatformError, shops: tuple[Account, Account]
) -> None:
    """Each shop had a pause of its own for this, which took the place of the one before: all went on calling."""
    one, two = shops
    pausing.after(one, error)
    assert [pausing.look(shop).wait > 0 for shop in shops] == [True, True]
    assert [standing.paused for standing in standings(shops, clock.now())] == ["gateway", "gateway"]
    pausing.after(two, error)
    assert [pausing.look(shop).wait > 0 for shop in shops] == [True, True]


def test_what_is_refused_to_an_account_stops_no_other(shops: tuple[Account, Account]) -> None:
    one, two = shops
    pausing.after(one, Unauthorised("shop not authorised", remedy="authorise it"))
    assert pausing.look(one).wait > 0
    assert pausing.look(two).wait == 0


def test_a_new_token_has_all_accounts_called_at_once(
    shops: tuple[Account, Account], tidings: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    pausing.after(shops[0], Unauthorised("token ended", remedy="renew it", scope="gateway"))
    monkeypatch.setenv("TB_SECRET", "a newer one")
    runtime.accounts_source.cache_clear()
    assert [pausing.look(shop).wait for shop in runtime.accounts().accounts.values()] == [0, 0]
