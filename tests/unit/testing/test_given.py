"""What tests give the fixtures in place of what is meant: each is told in a sentence, and nothing is delivered or started."""

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import BaseModel

from handlers import Message, Registry
from handlers.message import Misused
from tasks.testing.contents import NoSample
from tasks.testing.deliveries import Tidings
from tasks.testing.shop import TidingsShop

PAID = "taobao_trade_TradeBuyerPay"
NOT_A_TEXT = [3, b"t", ["a"], object]


class Holds(BaseModel):
    """What has no way into JSON."""

    it: Any


@pytest.fixture
def seen() -> list[Message]:
    return []


@pytest.fixture
def tidings(seen: list[Message]) -> Iterator[Tidings]:
    registry = Registry()

    @registry.handles("*")
    def on_any(message: Message) -> None:
        seen.append(message)

    made = Tidings(registry)
    yield made
    made.close()


@pytest.fixture
def shop(tmp_path: Path) -> TidingsShop:
    """One that would break if it started, or published."""
    nothing = cast(Any, None)
    return TidingsShop(nothing, Registry(), nothing, tmp_path)


def told(name: str, value: object, write: str) -> str:
    return f"{name}={value!r}: write {write}"


@pytest.mark.parametrize("value", [None, *NOT_A_TEXT])
def test_a_topic_is_a_text(tidings: Tidings, shop: TidingsShop, value: Any) -> None:
    for call in (tidings.deliver, tidings.sample, shop.publish):
        with pytest.raises(Misused) as found:
            call(value)
        assert str(found.value) == told("topic", value, 'a text, as "taobao_trade_TradeBuyerPay"')


@pytest.mark.parametrize(
    ("name", "value", "write"),
    [
        *(("id", value, 'a text, as "7"') for value in NOT_A_TEXT),
        *(("account", value, 'the account\'s name, as "shop"') for value in [None, *NOT_A_TEXT]),
        *(("user_id", value, "a text") for value in [None, *NOT_A_TEXT]),
        ("user_nick", None, "a text"),
        *(("platform", value, "qianmi, taobao or vvtool") for value in ["amazon", "Taobao", 3, ["taobao"]]),
        *(("published", value, "a datetime") for value in ["2026-11-21", 3, date(2026, 11, 21)]),
        *(("deliveries", value, "a whole number, 1 or more") for value in [0, -1, "2", None, 1.5, True]),
        *(("extra", value, 'a dict, as {"table": "orders"}') for value in ["x", [1], 3]),
        *(("lease", each, "seconds, more than 0") for each in [0, -1, "5", True, timedelta(1), float("nan"), [1]]),
    ],
)
def test_whatever_does_not_fit_is_told_by_name_with_what_to_write(
    tidings: Tidings, seen: list[Message], name: str, value: Any, write: str
) -> None:
    with pytest.raises(Misused) as found:
        tidings.deliver("t", {}, **{name: value})
    assert str(found.value) == told(name, value, write)
    assert not seen


@pytest.mark.parametrize(
    "content",
    [{1, 2}, b"{}", {"at": datetime(2026, 11, 21)}, {"fee": Decimal(1)}, {(1, 2): 3}, Holds(it=object()), object],  # noqa: DTZ001
)
def test_a_content_is_what_json_can_be(tidings: Tidings, shop: TidingsShop, content: Any) -> None:
    for call in (tidings.deliver, shop.publish):
        with pytest.raises(Misused, match=r"^content: .*; write what JSON has: .*str\(…\) of times and decimals$"):
            call("t", content)


def test_a_content_that_holds_itself_is_none(tidings: Tidings) -> None:
    content: dict[str, Any] = {}
    content["it"] = content
    with pytest.raises(Misused, match=r"^content: Circular reference detected; write"):
        tidings.deliver("t", content)


def test_a_time_without_a_zone_is_the_platforms(tidings: Tidings, seen: list[Message]) -> None:
    tidings.deliver("t", {}, published=datetime(2026, 11, 21, 10))  # noqa: DTZ001
    assert str(seen[0].published) == "2026-11-21 10:00:00+08:00"


def test_without_a_sample_the_whole_run_says_so_too(shop: TidingsShop) -> None:
    with pytest.raises(NoSample, match=r"there is no sample of qianmi_new, as it has no model: give a content"):
        shop.publish("qianmi_new")


@pytest.mark.parametrize(
    ("name", "value", "write"),
    [
        ("account", "shop", "taobao or qianmi, whose accounts there are"),
        ("account", 3, "taobao or qianmi, whose accounts there are"),
        ("id", 3, 'a text, as "7"'),
        ("user_id", 3, "a text"),
        ("user_nick", None, "a text"),
    ],
)
def test_a_whole_run_tells_before_it_starts(shop: TidingsShop, name: str, value: Any, write: str) -> None:
    with pytest.raises(Misused) as found:
        shop.publish("t", {}, **{name: value})
    assert str(found.value) == told(name, value, write)


@pytest.mark.parametrize("value", [None, 3, time, ["shop"], Path("shop.py")])
def test_a_module_is_named(tidings: Tidings, shop: TidingsShop, value: Any) -> None:
    for call in (tidings.load, shop.start):
        with pytest.raises(Misused) as found:
            call("handlers", value)
        assert str(found.value) == told("module", value, 'its name, as "shop"')


def test_variables_of_the_processes_are_texts(shop: TidingsShop) -> None:
    with pytest.raises(Misused) as found:
        shop.start("handlers", SHOP_PORT=cast(Any, 8000))
    assert str(found.value) == told("SHOP_PORT", 8000, 'a text, as "8000"')
    with pytest.raises(Misused, match=r"^extra='orders': write a dict"):
        shop.start("handlers", extra=cast(Any, "orders"))


@pytest.mark.parametrize("value", ["5", None, -1, float("nan")])
def test_a_whole_run_is_waited_for_so_many_seconds(shop: TidingsShop, value: Any) -> None:
    with pytest.raises(Misused, match=r"^timeout=.*: write seconds, 0 or more$"):
        shop.wait(timeout=value)


@pytest.mark.parametrize("value", [3, ["1", "2"], SimpleNamespace()])
def test_a_whole_run_is_waited_for_by_ids(shop: TidingsShop, value: Any) -> None:
    with pytest.raises(Misused) as found:
        shop.wait(value)
    assert str(found.value) == told("id", value, 'a text, as "7"')
