"""pytest's fixtures as users have them: in a pytest of their own, in their own folder."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests import ROOT

SHOP = """
from handlers import Message, Retry, handles
from handlers.trade import TradeBuyerPay

paid = []

@handles("taobao_trade_TradeBuyerPay")
def on_paid(trade: TradeBuyerPay, message: Message) -> None:
    if message.user_nick == "busy" and not paid:
        paid.append(None)
        raise Retry("busy", delay=30)
    paid.append(trade.tid)
"""

IMPORTS = """
import shop

def test_a_message_reaches_the_handler(tidings):
    done = tidings.deliver("taobao_trade_TradeBuyerPay", {"tid": 5}, deliveries=2)
    assert done.outcome == "handled"
    assert shop.paid == [5]

def test_retries(tidings):
    shop.paid.clear()
    done = tidings.deliver("TradeBuyerPay", tidings.sample("TradeBuyerPay", tid=8), user_nick="busy")
    assert (done.outcome, done.tries, done.waits, shop.paid) == ("handled", 2, (30,), [None, 8])
"""

OWN = """
from handlers import around, handles, register, resource

told = []

def test_a_handler_of_the_tests_own(tidings):
    seen = []
    @around
    def counted(message):
        told.append(message.id)
        yield
    @handles("qianmi_*")
    def on_any(content: dict) -> None:
        seen.append(content)
    assert tidings.deliver("qianmi_x", {"a": 1}).outcome == "handled"
    @resource
    def engine():
        return "engine"
    class Orders:
        @handles("x")
        def on_x(self, content: str, engine) -> None:
            seen.append(engine)
    register(Orders())
    assert tidings.deliver("x", "").outcome == "handled"
    assert seen == [{"a": 1}, "engine"]

def test_ends_with_it(tidings):
    assert tidings.deliver("qianmi_x", {}).outcome == "ignored"
    assert tidings.deliver("TradeBuyerPay").outcome == "handled"
    assert len(told) == 2
    @resource
    def engine():
        return "one of the same name"
    assert tidings.deliver("x", "").outcome == "ignored"
"""

MADE = """
from handlers import handles, register

def make(topic):
    @handles(topic)
    def made(content: str) -> None: ...

make("made")

class Orders:
    @handles("order")
    def on_order(self, content: str) -> None: ...

register(Orders())
"""

AGAIN = """
import pytest
from handlers import handles, register

class Refunds:
    def __init__(self, names):
        self.names = names

    @handles("refund")
    def on_refund(self, content: str) -> None:
        self.names.append(content)

@pytest.fixture
def names():
    names = []
    register(Refunds(names))
    return names

@pytest.mark.parametrize("number", range(2))
def test_modules_stay_and_what_a_test_registers_ends_with_it(tidings, names, number):
    tidings.load("made")
    assert tidings.deliver("made", "").outcome == "handled"
    assert tidings.deliver("order", "").outcome == "handled"
    assert tidings.deliver("refund", str(number)).outcome == "handled"
    assert names == [str(number)]
"""

TIMEOUT = """
import time, pytest
from handlers import handles

@pytest.mark.timeout(1)
def test_pytests_own_time_limit_stays(tidings):
    @handles("x")
    def on_x(content: str) -> None: ...
    tidings.deliver("x", "")
    time.sleep(30)
"""

TYPED = """
from tidings_cli.testing import Delivered, Tidings

def test_types_are_there_for_annotations(tidings: Tidings) -> None:
    assert type(tidings) is Tidings
"""


def said(folder: Path, *words: str, seconds: float = 100, **env: str) -> str:
    """What a pytest in this folder prints, with nothing of ours in its environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TIDINGS_", "PYTEST_"))}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), *words]
    paths = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH"))))
    done = subprocess.run(
        argv,
        cwd=folder,
        env={**kept, "PYTHONPATH": paths, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    return done.stdout


def test_deliveries_reach_the_handlers_of_imported_and_named_modules_and_the_tests_own(tmp_path: Path) -> None:
    """Neither Redis nor a platform is there."""
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "test_imports.py").write_text(IMPORTS)
    (tmp_path / "test_typed.py").write_text(TYPED)
    nowhere: dict[str, Any] = {"TIDINGS_REDIS_URL": "redis://127.0.0.1:1/0"}
    told = said(tmp_path, **nowhere)
    assert "3 passed" in told, told
    (tmp_path / "test_own.py").write_text(OWN)
    told = said(tmp_path, "test_own.py", TIDINGS_HANDLERS="shop", **nowhere)
    assert "2 passed" in told, told


def test_what_a_test_registers_ends_with_it_and_what_it_imports_does_not(tmp_path: Path) -> None:
    """Wherever it is defined: a class of a test's module is registered for each test, a function of a module makes handlers."""
    (tmp_path / "made.py").write_text(MADE)
    (tmp_path / "test_again.py").write_text(AGAIN)
    told = said(tmp_path)
    assert "2 passed" in told, told


def test_a_time_limit_of_pytests_own_outlives_a_delivery(tmp_path: Path) -> None:
    (tmp_path / "test_slow.py").write_text(TIMEOUT)
    told = said(tmp_path)
    assert "Timeout (>1.0s)" in told, told


def test_handlers_that_cannot_be_loaded_are_told(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(OWN)
    told = said(tmp_path, TIDINGS_HANDLERS="nowhere")
    assert "there is no module 'nowhere'" in told, told
