"""`celery -A tasks accounts poll --no-confirm`, on a real Valkey and the sandbox: handlers are called, and nobody hears of it."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from handlers.registry import registry
from tasks import runtime
from tasks.commands.accounts import accounts
from tasks.runtime import Stores
from tasks.sandbox.control import Control
from tests.integration.commands.running import Said, run, run_forking
from tests.integration.conftest import CACHES

ALLOWED = {"measures", "pace", "tally", "used"}
"""Keys that a call leaves: that it was made."""

PAID = "taobao_trade_TradeBuyerPay"
ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "helloworld"
url = "{url}/router/rest"
calls_per_day = 4
lease_seconds = 60
[gateways.slow]
platform = "taobao"
app_key = "12345678"
app_secret = "helloworld"
url = "{url}/router/rest"
calls_per_second = 0.02
[accounts.slow]
gateway = "slow"
[gateways.vv]
platform = "vvtool"
token = "test-token"
url = "{url}/tool/erps/tbconsume"
[accounts.shop]
gateway = "tb"
[accounts.shop.extra]
table = "orders"
[accounts.vshop]
gateway = "vv"
shop_id = "123"
"""
HANDLERS = """
import os, time
from handlers import Message, Reject, Retry, handles

@handles("taobao_trade_*")
def on_trade(content: dict, message: Message) -> None:
    print(content["does"], message.account, message.extra["table"])
    match content["does"]:
        case "rejects": raise Reject("no such shop")
        case "retries": raise Retry("busy", delay=5)
        case "breaks": raise KeyError("ZHANG SAN")
        case "kills": os.kill(os.getpid(), 9)
        case "hangs": time.sleep(60)
"""

Shop = Callable[[], Said]


@pytest.fixture
def shop(
    tidings: Stores, sandbox: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Said]]:
    """Rehearses a poll of the account `shop`, with these messages waiting; accounts and handlers as above."""
    monkeypatch.setattr(registry, "_handlers", {})
    monkeypatch.setattr(registry, "_found", {})
    monkeypatch.setenv("TIDINGS_HANDLERS", "shop_of_rehearsals")
    monkeypatch.setenv("TIDINGS_HANDLER_SECONDS", "1")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shop_of_rehearsals", raising=False)
    (tmp_path / "shop_of_rehearsals.py").write_text(HANDLERS)
    (tmp_path / "accounts.toml").write_text(ACCOUNTS.format(url=sandbox.url))
    for cached in CACHES:
        cached.cache_clear()

    def rehearsed(*messages: str, topic: str = PAID) -> Said:
        if messages:
            sandbox.publish("taobao", [{"topic": topic, "content": {"does": each}} for each in messages])
        return run_forking(accounts, "poll", "shop", "--no-confirm")

    yield rehearsed
    for cached in CACHES:
        cached.cache_clear()


def test_each_message_is_tried_and_told_without_its_content(shop: Callable[..., Said]) -> None:
    """One that kills its process or hangs in it costs itself only."""
    said = shop("returns", "rejects", "retries", "breaks", "kills", "hangs", "returns")
    assert said.code == 1
    told = [line.split("  ") for line in said.out.splitlines()]
    assert [each[0] for each in told] == [PAID] * 7
    assert [each[2] for each in told] == ["handled", "dead", "failed", "failed", "failed", "failed", "handled"]
    reasons = [each[4] if len(each) > 4 else "" for each in told]
    assert reasons[1] == "Reject at shop_of_rehearsals.py:9 in on_trade: no such shop"
    assert reasons[3] == "KeyError at shop_of_rehearsals.py:11 in on_trade"
    assert reasons[4] == "its process was killed by SIGKILL while it ran"
    assert reasons[5].startswith("it took longer than its time limit")
    assert "ZHANG" not in said.out + said.err
    assert "7 messages: 4 failed, 2 handled, 1 dead. Nothing was confirmed, marked or stored" in said.err
    assert "returns shop orders" in said.err


def test_nothing_is_confirmed_marked_or_stored_but_the_call(
    shop: Callable[..., Said], sandbox: Control, redis: Redis
) -> None:
    """It counts for the gateway's limits. What was kept for its confirm is free again: of four a day, three may be pulls."""
    assert shop("returns").code == 0
    (row,) = sandbox.ledger("taobao")
    assert (len(row["deliveries"]), row["confirmed"]) == (1, None)
    kinds = {str(key).split(":")[1] for key in redis.scan_iter("tidings:*")}
    assert kinds <= ALLOWED, kinds
    assert {str(field).split("\t")[0] for field in redis.hkeys("tidings:measures")} <= {"pull", "pull.sum"}
    assert [shop().err.splitlines()[-1] for _ in range(2)] == ["account shop: no message waits"] * 2
    said = shop()
    assert said.code == 1
    assert "today's 4 of gateways.tb.calls_per_day are used" in said.err
    assert [call["api"] for call in sandbox.calls()] == ["consume"] * 3


def test_all_of_it_comes_again_when_its_lease_ends(shop: Callable[..., Said], sandbox: Control) -> None:
    """And is handled then, as nobody has marked it."""
    sandbox.switches(lease_seconds={"taobao": 0.5})
    first = shop("returns")
    time.sleep(0.6)
    again = shop()
    assert (first.code, again.code) == (0, 0)
    assert first.out.split("  ")[:3] == again.out.split("  ")[:3]
    (row,) = sandbox.ledger("taobao")
    assert (len(row["deliveries"]), row["confirmed"]) == (2, None)


def test_a_limit_a_second_is_waited_for_or_told(shop: Callable[..., Said], sandbox: Control) -> None:
    assert run_forking(accounts, "poll", "slow", "--no-confirm").code == 0
    said = run_forking(accounts, "poll", "slow", "--no-confirm")
    assert said.code == 1
    assert "account slow was not polled: the limits of gateway slow allow no call now; try again in" in said.err
    assert len(sandbox.calls()) == 1


def test_what_was_handled_before_is_not_handled_again(
    shop: Callable[..., Said], sandbox: Control, tidings: Stores
) -> None:
    (id_,) = sandbox.publish("taobao", [{"topic": PAID, "content": {"does": "breaks"}}])
    from tasks.handling.delivery import names
    from tasks.platforms.base import Item

    (named,) = names(runtime.accounts().accounts["shop"], [Item(id_, id_, PAID, "")])
    runtime.stores().marks.finish(named)
    runtime.stores().marks.settle()
    said = shop()
    assert (said.code, said.out.split("  ")[2]) == (0, "duplicate")


def test_a_topic_that_nobody_handles_is_told(shop: Callable[..., Said]) -> None:
    said = shop("returns", topic="nobodys")
    assert said.code == 0
    assert said.out.startswith("nobodys  ")
    assert "  ignored  -  no handler takes its topic nobodys" in said.out


def test_vvtool_is_refused_with_the_reason_before_anything_is_called(
    shop: Callable[..., Said], sandbox: Control
) -> None:
    said = run(accounts, "poll", "shop", "vshop", "--no-confirm")
    assert said.code == 2
    assert "vshop is vv-tool's, which never sends a message again" in said.err
    assert sandbox.calls() == []


def test_a_paused_account_is_not_called(shop: Callable[..., Said], sandbox: Control) -> None:
    run(accounts, "pause", "shop", "--reason", "stocktaking")
    said = shop("returns")
    assert said.code == 1
    assert "account shop: paused by hand, stocktaking" in said.err
    assert sandbox.calls() == []


def test_a_platform_that_refuses_is_told_in_a_line(shop: Callable[..., Said], sandbox: Control, redis: Redis) -> None:
    """And pauses nobody: that is the workers' to find out."""
    sandbox.fault("taobao", "error", code="27")
    said = shop("returns")
    assert (said.code, said.out) == (1, "")
    assert "account shop could not be polled: " in said.err
    assert "Traceback" not in said.err
    assert not list(redis.scan_iter("tidings:pause:*"))


def test_contents_stay_out_of_everything_it_prints(shop: Callable[..., Said]) -> None:
    said = shop("ZHANG SAN")
    assert json.dumps("ZHANG SAN") not in said.out + said.err
