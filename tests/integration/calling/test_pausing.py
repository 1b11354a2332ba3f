"""Who is left alone after a call that was refused, on a real Valkey: all whom it concerns, and for how long."""

from pathlib import Path

import pytest

from tasks import clock, runtime
from tasks.accounts import Account, fingerprint, gateway_fingerprint
from tasks.calling import pausing
from tasks.commands.accounts.listing import standings
from tasks.platforms import BadRequest, PlatformError, Throttled, Unauthorised
from tasks.platforms.errors import Scope, Unavailable
from tasks.rules.circuit_breaker import Pause
from tasks.runtime import Stores
from tasks.store.polls import End, Learnt
from tasks.store.seen import Seen

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


def test_a_confirm_that_meets_a_platform_which_is_away_holds_all_calls(shops: tuple[Account, Account]) -> None:
    one, two = shops
    assert pausing.heed(one, Unavailable("HTTP 503", seconds=20)) == pytest.approx(20, abs=1)
    assert pausing.banned(two) == pytest.approx(20, abs=1)


@pytest.mark.parametrize("scope", ["account", "gateway"])
def test_a_refusal_now_and_then_is_told_from_one_that_lasts(
    scope: Scope, shops: tuple[Account, Account], tidings: Stores
) -> None:
    """Whoever was refused for a moment each hour was left alone for an hour by the seventh time."""
    shop, now = shops[0], clock.now()
    error = Unauthorised("refused", remedy="do", scope=scope)

    def refused_before() -> None:
        ours = fingerprint(shop) if scope == "account" else gateway_fingerprint(shop.gateway)
        whom = shop.name if scope == "account" else shop.gateway.name
        tidings.pauses.put(scope, whom, Pause(now - 10, "refused", "do", 7, ours), now=now - 70)

    def left_alone() -> float:
        pausing.after(shop, error)
        pause = tidings.pauses.get(shop.name, shop.gateway.name)[scope == "gateway"]
        return pause.until - now if pause else 0.0

    refused_before()
    assert left_alone() >= 3600
    refused_before()
    end = End("pull", shop.gateway.name, took=0.1)
    tidings.polls.tell(Learnt(shop.name, now, end=end, seen=Seen(at=now)))
    assert 60 <= left_alone() < 70


def test_an_account_that_alone_is_refused_as_the_gateway_stops_the_others_once(
    shops: tuple[Account, Account], tidings: Stores
) -> None:
    """A firewall before the platform answered its calls with 403: the others stood still whenever it was polled."""
    (one, two), now = shops, clock.now()
    error = Unauthorised("refused with HTTP 403", remedy="check the url", scope="gateway")
    ours = gateway_fingerprint(one.gateway)
    tidings.pauses.put("gateway", "vv", Pause(now - 10, "refused with HTTP 403", "check", 1, ours), now=now - 70)
    tidings.polls.tell(Learnt(two.name, now, end=End("pull", "vv", took=0.1), seen=Seen(at=now)))
    pausing.after(one, error)
    assert pausing.look(one).wait > 0
    assert pausing.look(two).wait == 0
    pausing.after(two, error)
    assert pausing.look(two).wait > 0, "it was answered before, so the gateway has changed"
    assert pausing.look(one.model_copy(update={"shop_id": "3"})).wait > 0


def test_a_pause_that_a_clock_hours_ahead_has_noted_is_forgotten_once_it_is_set(
    shops: tuple[Account, Account], tidings: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that calls too often was left alone for a second and eight hours, and all shops of its gateway with it."""
    shop, now = shops[0], clock.now()
    with monkeypatch.context() as ahead:
        ahead.setattr(clock, "now", lambda: now + 8 * 3600)
        pausing.after(shop, Throttled("busy", seconds=1))
    assert tidings.pauses.get(shop.name, "vv")[1]
    assert pausing.look(shop).wait == 0
    assert tidings.pauses.get(shop.name, "vv") == (None, None)
    assert tidings.pauses.paused("gateway", "limits", now) == (0, [])


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
