"""What operators' commands read and print: spans of time, an account's state, which letters are meant."""

import click
import pytest

from tasks.accounts import Account, QianmiAccount, QianmiGateway, fingerprint
from tasks.commands.accounts.listing import meant
from tasks.commands.accounts.standing import Standing, in_force
from tasks.commands.ages import AGE, told
from tasks.commands.letters.choice import Choice
from tasks.platforms import Item
from tasks.rules.circuit_breaker import WITHOUT_END, Pause
from tasks.store.letters import Letter

NOW = 1_795_219_200.0
SHOP: Account = QianmiAccount(name="shop", gateway=QianmiGateway(name="qm", app_key="1", app_secret="s"))
LETTER = Letter(Item("", "1", "taobao_trade_TradeBuyerPay", "{}"), "taobao", "shop-1", "No such shop")


@pytest.mark.parametrize(
    ("written", "seconds"), [("90s", 90), ("5m", 300), ("1.5h", 5400), ("3d", 259_200), ("1w", 604_800)]
)
def test_a_span_is_read_with_its_unit(written: str, seconds: float) -> None:
    assert AGE.convert(written, None, None) == seconds


@pytest.mark.parametrize("written", ["", "5", "0s", "-5m", "5 m", "1e9d", "999999999w", "nan", "٣d", "5m\n", "1h30m"])
def test_what_is_no_span_is_refused_with_what_to_write(written: str) -> None:
    with pytest.raises(click.BadParameter, match="write 90s, 5m, 2h, 3d or 1w"):
        AGE.convert(written, None, None)


@pytest.mark.parametrize(
    ("seconds", "text"), [(-3, "0s"), (119.9, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172_800, "2d")]
)
def test_a_span_is_told_in_few_characters(seconds: float, text: str) -> None:
    assert told(seconds) == text


@pytest.mark.parametrize(
    "choice",
    [
        Choice(),
        Choice(account="shop-1"),
        Choice(account="shop-*", topic="*BuyerPay"),
        Choice(reason="such SHOP"),
        Choice(reason="No * shop"),
    ],
)
def test_filters_that_fit(choice: Choice) -> None:
    assert choice.fits(LETTER)


@pytest.mark.parametrize(
    "choice", [Choice(account="shop"), Choice(topic="BuyerPay"), Choice(topic=""), Choice(reason="spent")]
)
def test_filters_that_do_not(choice: Choice) -> None:
    assert not choice.fits(LETTER)


def test_brackets_in_a_name_are_taken_as_written_too() -> None:
    assert Choice(account="shop[1]").fits(Letter(Item("", "1", "", ""), "taobao", "shop[1]", ""))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["shop-*"], ["shop-*"]),
        (["shop-[1]"], ["shop-[1]"]),
        (["shop-?"], ["shop-*", "shop-1"]),
        (["shop-*", "?"], ["shop-*", "x"]),
        ([], ["shop-*", "shop-1", "shop-[1]", "x"]),
    ],
)
def test_the_name_of_an_account_is_no_pattern(words: list[str], found: list[str]) -> None:
    known = {name: SHOP.model_copy(update={"name": name}) for name in ("shop-*", "shop-1", "shop-[1]", "x")}
    assert [account.name for account in meant(known, words)] == found


def test_nothing_chosen_is_told_from_an_empty_topic() -> None:
    assert not Choice()
    assert Choice(topic="")
    assert Choice(ids=("x",))


def test_the_pause_that_ends_last_is_the_one_that_holds() -> None:
    short, long = Pause(NOW + 60, "short"), Pause(NOW + 90, "long")
    assert in_force(SHOP, short, long, NOW) == ("gateway", long)
    assert in_force(SHOP, long, short, NOW) == ("account", long)
    assert in_force(SHOP, long, None, NOW + 90) == (None, None)


def test_new_credentials_lift_a_platforms_pause_and_never_a_persons() -> None:
    assert in_force(SHOP, Pause(NOW + 60, "expired", fingerprint="other"), None, NOW) == (None, None)
    assert in_force(SHOP, Pause(NOW + 60, "expired", fingerprint=fingerprint(SHOP)), None, NOW)[0] == "account"
    assert in_force(SHOP, Pause(WITHOUT_END, "by hand", by_hand=True), None, NOW)[0] == "account"


@pytest.mark.parametrize(
    ("kind", "pause", "state"),
    [
        (None, None, "polled"),
        ("account", Pause(WITHOUT_END, "holiday", by_hand=True), "paused by hand"),
        ("account", Pause(NOW + 600, "expired", "renew it"), "paused until 08:10:00 (10m)"),
        ("gateway", Pause(NOW + 86_400, "spent"), "gateway paused until 2026-11-22 08:00 (24h)"),
    ],
)
def test_the_state_says_who_is_paused_and_until_when(kind: object, pause: Pause | None, state: str) -> None:
    assert Standing(SHOP, kind, pause).state(NOW) == state  # type: ignore[arg-type]


def test_reason_and_remedy_stand_together() -> None:
    assert Standing(SHOP, "account", Pause(NOW, "expired", "renew it")).why == "expired; renew it"
    assert Standing(SHOP).why == ""
