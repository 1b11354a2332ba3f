"""Gateways and accounts as values: defaults, limits, and secrets that do not show."""

import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.accounts import (
    Account,
    Counter,
    Gateway,
    Poll,
    QianmiAccount,
    QianmiGateway,
    TaobaoAccount,
    TaobaoGateway,
    VvtoolAccount,
    VvtoolGateway,
    fingerprint,
)

SECRET = "s3cr3t-of-mine"
TB = TaobaoGateway(name="tb", app_key="12345678", app_secret=SECRET)
QM = QianmiGateway(name="qm", app_key="10000001", app_secret=SECRET, access_token=SECRET)
VV = VvtoolGateway(name="vv", token=SECRET)


def test_each_platform_has_its_own_address_and_lease() -> None:
    """What the file leaves out is the platform's own."""
    assert (TB.url, TB.lease_seconds, TB.sign_method) == ("https://eco.taobao.com/router/rest", 300, "hmac-sha256")
    assert (QM.url, QM.lease_seconds) == ("https://api.qianmi.com/api", 600)
    assert (VV.url, VV.lease_seconds) == ("http://api.vv-tool.com/tool/erps/tbconsume", 600)
    assert (TB.calls_per_second, QM.calls_per_second, VV.calls_per_second) == (None, None, 10)


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("http://127.0.0.1:8800", "http://127.0.0.1:8800/router/rest"),
        ("http://127.0.0.1:8800/", "http://127.0.0.1:8800/router/rest"),
        ("https://gw.api.taobao.com/router/rest", "https://gw.api.taobao.com/router/rest"),
        ("http://[::1]:8800", "http://[::1]:8800/router/rest"),
        ("http://proxy/top", "http://proxy/top"),
    ],
)
def test_an_address_without_a_path_gets_the_platforms_own(written: str, used: str) -> None:
    """A sandbox is named by host and port alone."""
    assert TaobaoGateway(name="tb", app_key="1", app_secret="x", url=written).url == used


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h",
        "h:80",
        "http://",
        "http://h:99999",
        "http://h:0",
        "http://u:p@h",
        "http://h/?a=1",
        "http://h/#a",
        "http://a b",
    ],
)
def test_an_unusable_address_is_refused(url: str) -> None:
    """No user, query or fragment: they may hold secrets, and no platform wants them."""
    with pytest.raises(ValidationError, match="http:// or https:// address"):
        TaobaoGateway(name="tb", app_key="1", app_secret="x", url=url)


@pytest.mark.parametrize("gateway", [TB, QM, VV], ids=lambda gateway: gateway.platform)
def test_no_secret_shows_in_any_form_of_a_gateway(gateway: Gateway) -> None:
    """Repr, text, dumps, and the repr of what was pickled."""
    forms = [repr(gateway), str(gateway), f"{gateway.model_dump()}", gateway.model_dump_json()]
    forms.append(repr(pickle.loads(pickle.dumps(gateway))))  # noqa: S301 - our own
    assert all(SECRET not in form for form in forms)


def test_no_session_shows_in_any_form_of_an_account() -> None:
    """Nor the gateway's secret behind it."""
    account = TaobaoAccount(name="a", gateway=TB, session=SECRET)
    assert SECRET not in repr(account) + str(account) + str(account.model_dump()) + account.model_dump_json()


def test_no_secret_shows_in_a_validation_error() -> None:
    """Not even one in the wrong place."""
    with pytest.raises(ValidationError) as caught:
        TaobaoGateway.model_validate({"name": "tb", "app_key": "1", "app_secret": [SECRET], "tokn": SECRET})
    assert SECRET not in str(caught.value)


def test_accounts_share_their_gateway_and_default_poll() -> None:
    """A hundred thousand accounts hold one gateway, not as many copies."""
    one, other = TaobaoAccount(name="a", gateway=TB), TaobaoAccount(name="b", gateway=TB)
    assert one.gateway is other.gateway is TB
    assert one.poll is other.poll
    assert (one.poll.min, one.poll.max, one.quantity) == (1, 60, 100)


@pytest.mark.parametrize(
    ("kind", "gateway", "more", "low", "high"),
    [(QianmiAccount, QM, {}, 1, 100), (TaobaoAccount, TB, {}, 10, 200), (VvtoolAccount, VV, {"shop_id": "1"}, 10, 200)],
)
def test_quantity_keeps_to_the_platforms_limits(
    kind: type[Account], gateway: Gateway, more: dict[str, Any], low: int, high: int
) -> None:
    """Both ends belong to it, the numbers beside them do not."""
    assert [kind(name="a", gateway=gateway, quantity=n, **more).quantity for n in (low, high)] == [low, high]
    for quantity in (low - 1, high + 1, True, 50.0, "50"):
        with pytest.raises(ValidationError):
            kind(name="a", gateway=gateway, quantity=quantity, **more)


def test_an_account_takes_only_a_gateway_of_its_platform() -> None:
    """A Qianmi group behind Taobao's gateway cannot be built."""
    with pytest.raises(ValidationError):
        QianmiAccount(name="a", gateway=TB)


@pytest.mark.parametrize("name", ["shop-1", "店铺 一号", "a.b:c", "x" * 100])
def test_printable_names_are_fine(name: str) -> None:
    """Any language, dots, colons and spaces inside."""
    assert TaobaoAccount(name=name, gateway=TB).name == name


@pytest.mark.parametrize("name", ["", " a", "a ", "a\n", "a\x00b", "a/b", "-a", "x" * 101, "a\u202eb", 5])
def test_names_that_would_confuse_are_refused(name: object) -> None:
    """Control characters, a path's slash, an option's dash, invisible marks."""
    with pytest.raises(ValidationError):
        TaobaoAccount(name=name, gateway=TB)


@pytest.mark.parametrize(
    "secret", ["ENV:S", "env: S", "$S", "${S}", "$(cat s)", "%S%", "{{ s }}", "File:/run/s", "env=S"]
)
def test_what_names_a_secret_in_another_way_is_not_taken_for_one(secret: str) -> None:
    with pytest.raises(ValidationError, match="env:NAME or file:PATH, spelled so"):
        VvtoolGateway(name="vv", token=secret)


@pytest.mark.parametrize("secret", ["a$S", "$2b$10$abc", "environment", "profile:x", "%41", "{x}"])
def test_other_secrets_may_have_such_characters(secret: str) -> None:
    assert VvtoolGateway(name="vv", token=secret).token.get_secret_value() == secret


@pytest.mark.parametrize("secret", ["", " x", "x\n", "a\x00b", "é"])
def test_a_secret_is_one_line_of_printable_ascii(secret: str) -> None:
    """Anything else would break a header or a signature later, far from its cause."""
    with pytest.raises(ValidationError, match="printable ASCII"):
        VvtoolGateway(name="vv", token=secret)


@pytest.mark.parametrize("lease", [4.9, float("nan"), float("inf"), True, "600", 86_401])
def test_a_lease_is_a_number_of_seconds_from_five_to_a_day(lease: object) -> None:
    """Fractions are fine, not-a-number is not."""
    assert VvtoolGateway(name="vv", token="t", lease_seconds=5.5).lease_seconds == 5.5
    with pytest.raises(ValidationError):
        VvtoolGateway(name="vv", token="t", lease_seconds=lease)


def test_polls_run_from_min_to_max() -> None:
    """They may be equal, not crossed."""
    assert Poll(min=0.5, max=0.5).min == 0.5
    with pytest.raises(ValidationError, match="min not above max"):
        Poll(min=100)


def test_a_counter_asks_for_everything_by_default_and_needs_a_session() -> None:
    """It asks in the seller's name."""
    assert Counter().fields == ("number", "total", "topic", "user_id", "sub_user_id", "last_msg")
    with pytest.raises(ValidationError, match="a session beside the counter"):
        TaobaoAccount(name="a", gateway=TB, counter=Counter())
    assert TaobaoAccount(name="a", gateway=TB, counter=Counter(), session="x").counter == Counter()


@pytest.mark.parametrize(
    "wrong", [{"type": 3}, {"type": True}, {"fields": ["total"]}, {"topics": ["a,b"]}, {"every": 0}]
)
def test_a_counter_refuses_what_the_api_has_not(wrong: dict[str, Any]) -> None:
    """Type 4 or 5, one topic an entry, and the number itself."""
    with pytest.raises(ValidationError):
        Counter(**wrong)


def test_editions_are_whole_numbers_from_one_to_three() -> None:
    """True and 1.0 equal 1 in Python, and are not meant."""
    assert VvtoolAccount(name="a", gateway=VV, shop_id="1").edition == 1
    for edition in (0, 4, True, 1.0, "1"):
        with pytest.raises(ValidationError):
            VvtoolAccount(name="a", gateway=VV, shop_id="1", edition=edition)


def test_a_fingerprint_changes_with_credentials_only() -> None:
    """A paused account is resumed when somebody mended its credentials, not when its pace changed."""
    account = TaobaoAccount(name="a", gateway=TB, session="one", group="g")
    same = TaobaoAccount(
        name="b", gateway=TB.model_copy(update={"name": "x", "calls_per_day": 5}), session="one", group="g"
    )
    assert fingerprint(account) == fingerprint(same.model_copy(update={"quantity": 50}))
    others = [
        account.model_copy(update={"session": None}),
        account.model_copy(update={"group": "h"}),
        TaobaoAccount(name="a", gateway=TB, session="two", group="g"),
        TaobaoAccount(
            name="a", gateway=TaobaoGateway(name="tb", app_key="12345678", app_secret="new"), session="one", group="g"
        ),
        TaobaoAccount(
            name="a", gateway=TaobaoGateway(name="tb", app_key="9", app_secret=SECRET), session="one", group="g"
        ),
    ]
    assert len({fingerprint(each) for each in [account, *others]}) == 1 + len(others)


def test_a_fingerprint_is_sixteen_hex_digits_and_differs_by_token_and_shop() -> None:
    """vv-tool's accounts too."""
    prints = {
        fingerprint(VvtoolAccount(name="a", gateway=VvtoolGateway(name="vv", token=token), shop_id=shop))
        for token in "ab"
        for shop in "12"
    }
    assert len(prints) == 4
    assert all(len(each) == 16 and set(each) <= set("0123456789abcdef") for each in prints)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("TradeSellerShip", "taobao_trade_TradeSellerShip"),
        ("taobao_trade_TradeSellerShip", "taobao_trade_TradeSellerShip"),
        ("rechargeStateChange", "rechargeStateChange"),
        ("tradesellership", "tradesellership"),
        ("taobao_fuwu_ServiceOpen", "taobao_fuwu_ServiceOpen"),
    ],
)
def test_a_topic_may_be_written_short_and_is_sent_in_full(written: str, sent: str) -> None:
    """As vv-tool's page does in its sample; what is unknown or fits several is sent as it is written."""
    assert VvtoolAccount(name="v", gateway=VV, shop_id="1", topic=written).topic == sent
