"""`celery -A tasks handlers`, on a real Valkey: who handles what, and what nobody does; and the same in `status` and `check`."""

import sys
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from handlers import Message, Registry
from handlers.trade import TradeBuyerPay
from tasks import runtime
from tasks.commands.check import topics
from tasks.commands.handlers import handlers, reading
from tasks.commands.status import broker, status
from tasks.plumbing import starting
from tasks.rules.registries import Entry, beside, entries, fingerprint
from tasks.runtime import Stores
from tasks.settings import settings
from tasks.store.presence import Presence
from tests.integration.commands.running import run

SLIP = "taobao_trade_TradeBuyerPayd"
PAY = "taobao_trade_TradeBuyerPay"


@pytest.fixture
def registry(tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """What TIDINGS_HANDLERS registers: nothing yet."""
    made = Registry()
    for module in (runtime, reading, starting):
        monkeypatch.setattr(module, "registry", lambda: made)
    starting.warn_of_doubts.cache_clear()
    yield made
    starting.warn_of_doubts.cache_clear()


def on_paid(trade: TradeBuyerPay, message: Message) -> None: ...
def on_any(content: dict[str, Any]) -> None: ...


def came(stores: Stores, what: Any, **counts: int) -> None:
    stores.topics.add(what, counts, now=time.time())


def by_topic(*words: str) -> dict[str, dict[str, Any]]:
    return {row["topic"]: row for row in run(handlers, *words).rows}


def test_each_topic_and_pattern_is_shown_with_handler_model_place_and_todays_counts(
    registry: Registry, tidings: Stores
) -> None:
    registry.handles(PAY)(on_paid)
    registry.handles("taobao_refund_*")(on_any)
    came(tidings, "seen", taobao_trade_TradeBuyerPay=5, taobao_refund_RefundCreated=2, taobao_refund_RefundClosed=1)
    came(tidings, "unhandled", taobao_refund_RefundClosed=1)
    found = by_topic("--json")
    assert found == by_topic("list", "--json")
    pay, refunds = found[PAY], found["taobao_refund_*"]
    assert pay["handler"] == f"{__name__}.on_paid"
    assert (pay["model"], pay["pattern"], pay["seen_today"], pay["unhandled_today"]) == ("TradeBuyerPay", False, 5, 0)
    assert pay["place"].startswith(f"{__file__}:")
    assert (refunds["model"], refunds["pattern"], refunds["seen_today"]) == ("dict", True, 3)
    assert refunds["unhandled_today"] == 1
    text = run(handlers).out
    for word in (PAY, "TradeBuyerPay", "on_paid", "taobao_refund_*", "unhandled"):
        assert word in text


def test_handlers_in_a_registry_of_their_own_are_told_of(
    registry: Registry, tidings: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.handles("t")(on_any)
    apart = ModuleType("apart_shop")
    apart.mine = Registry()  # type: ignore[attr-defined]
    apart.mine.handles(PAY)(on_paid)
    monkeypatch.setitem(sys.modules, apart.__name__, apart)
    monkeypatch.setenv("TIDINGS_HANDLERS", apart.__name__)
    settings.cache_clear()
    said = "apart_shop.mine is a Registry of its own, which nobody looks into: on_paid at "
    assert said in run(handlers).err
    (found,) = (each for each in topics.slips() if each.about == "handlers")
    assert found.level == "WARN"
    assert found.text.startswith(said)
    assert found.todo.startswith("write `from handlers import handles`")


def test_what_handlers_ask_for_is_shown(registry: Registry) -> None:
    registry.handles(PAY, key="tid", latest=True, timeout=10, tries=3, queue="slow")(on_paid)
    registry.handles("t", key=lambda content: content)(on_any)
    found = by_topic("--json")
    names = ("key", "latest", "timeout", "tries", "queue", "options")
    written = "key=tid latest timeout=10 tries=3 queue=slow"
    assert [found[PAY][name] for name in names] == ["tid", True, 10, 3, "slow", written]
    assert [found["t"][name] for name in names][1:5] == [False, None, None, ""]
    assert found["t"]["key"].endswith("<lambda>()")
    assert written in run(handlers).out


def test_what_runs_around_every_handler_is_told(registry: Registry) -> None:
    def timed(message: Message) -> Iterator[None]:
        yield

    registry.handles(PAY)(on_paid)
    assert "around" not in run(handlers).err
    registry.around(timed)
    assert f"around each of them, the outermost first: {__name__}." in run(handlers).err
    assert f"timed ({__file__}:{timed.__code__.co_firstlineno})" in run(handlers).err


def test_what_came_and_nobody_handles_stands_first_the_loudest_before_all(registry: Registry, tidings: Stores) -> None:
    registry.handles(SLIP)(on_paid)
    came(tidings, "seen", taobao_trade_TradeClose=3, taobao_trade_TradeBuyerPay=40)
    came(tidings, "unhandled", taobao_trade_TradeClose=3, taobao_trade_TradeBuyerPay=40)
    rows = run(handlers, "--json").rows
    assert [row["topic"] for row in rows] == [PAY, "taobao_trade_TradeClose", SLIP]
    assert [(row["handler"] != "", row["unhandled_today"]) for row in rows] == [(False, 40), (False, 3), (True, 0)]
    assert rows[0]["note"] == f"nobody handles it; {SLIP} is registered: a slip?"
    assert rows[2]["note"] == f"did you mean {PAY}?"


def test_a_short_name_is_counted_with_the_full_one(registry: Registry, tidings: Stores) -> None:
    registry.handles("TradeBuyerPay")(on_paid)
    came(tidings, "seen", taobao_trade_TradeBuyerPay=4)
    assert by_topic("--json")["TradeBuyerPay"]["seen_today"] == 4


def test_without_a_module_here_a_running_workers_handlers_are_shown(
    tidings: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDINGS_HANDLERS", "")
    settings.cache_clear()
    said = run(handlers)
    assert (said.code, said.out) == (0, "")
    assert "TIDINGS_HANDLERS is not set here" in said.err
    works(tidings, "one", (Entry("t", "shop.on_t", "dict", "shop.py:3"),))
    assert by_topic("--json")["t"]["handler"] == "shop.on_t"


def test_it_works_without_redis(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.handles(PAY)(on_paid)
    monkeypatch.setattr(runtime.stores().topics, "read", unreachable)
    said = run(handlers, "--json")
    assert (said.code, said.rows[0]["seen_today"]) == (0, None)
    assert "Redis does not answer" in said.err


def unreachable(**_: Any) -> Any:
    raise ConnectionError("refused")


def works(stores: Stores, name: str, lot: tuple[Entry, ...], since: float = 1.0) -> None:
    """Let a worker be there with these handlers."""
    stores.registries.put(lot)
    stores.presences.put(Presence("worker", name, 1, since, handlers=fingerprint(lot)))


@pytest.fixture
def polled(tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> Stores:
    """Accounts that need nothing."""
    monkeypatch.setattr(broker, "PING_SECONDS", 0.05)
    tidings.due.seed({"shop": 100, "vshop": 200})
    return tidings


def test_status_tells_what_nobody_handled_today_and_ends_with_1(polled: Stores) -> None:
    came(polled, "unhandled", **{"taobao_trade_TradeClose": 3, "\x1b[2J": 1})
    said = run(status)
    assert said.code == 1
    assert "! 4 messages today that nobody handled: topics taobao_trade_TradeClose (3), \\x1b[2J (1)" in said.out
    assert "celery -A tasks handlers" in said.out
    installation = run(status, "--json").rows[0]
    assert installation["unhandled_today"] == {"taobao_trade_TradeClose": 3, "\x1b[2J": 1}


def test_what_has_a_handler_meanwhile_is_told_and_asks_for_nothing(polled: Stores, registry: Registry) -> None:
    came(polled, "unhandled", taobao_trade_TradeClose=3)
    works(polled, "one@host", (Entry("taobao_trade_*", "shop.f", pattern=True),))
    told = "3 messages today that nobody handled: topic taobao_trade_TradeClose (3); a handler is there now"
    assert told in run(status).out
    assert f"! {told}" not in run(status).out
    assert [(finding.level, finding.text) for finding in topics.topics_findings()] == [("NOTE", told)]
    works(polled, "two@host", (Entry("taobao_refund_*", "shop.f", pattern=True),))
    assert "! 3 messages today that nobody handled" in run(status).out


def test_status_and_check_name_a_worker_whose_handlers_differ(polled: Stores, registry: Registry) -> None:
    both = (Entry("a", "shop.f"), Entry("b", "shop.g"))
    works(polled, "one@host", both, 1.0)
    works(polled, "two@host", both, 2.0)
    assert "has other handlers" not in run(status).out
    works(polled, "odd@host", both[:1], 3.0)
    told = "worker odd@host has other handlers than the other workers (2): it lacks b"
    assert told in run(status).out
    assert [finding.text for finding in topics.topics_findings()] == [told]


def test_workers_that_only_pull_may_have_any(polled: Stores) -> None:
    works(polled, "one@host", (Entry("a", "shop.f"),))
    polled.presences.put(Presence("worker", "pulls@host", 1))
    assert reading.strangers() == []


@pytest.mark.parametrize(
    ("topic", "level", "told"),
    [
        (SLIP, "WARN", f"did you mean {PAY}?"),
        ("taobao_trad_*", "WARN", "did you mean taobao_trade_*?"),
        ("tmall_*", "NOTE", "the pattern tmall_*"),
        (
            "rechargeStateChange",
            "WARN",
            "is short for bm_elife_rechargeStateChange and for qianmi_elife_rechargeStateChange",
        ),
    ],
)
def test_check_points_at_registered_topics_that_meet_nothing(
    registry: Registry, topic: str, level: str, told: str
) -> None:
    registry.handles(topic)(on_any)
    [finding] = topics.topics_findings()
    assert (finding.level, told in finding.text) == (level, True)
    assert f"{__file__}:" in finding.text
    assert bool(finding.todo) == (level == "WARN")


@pytest.mark.parametrize("topic", [PAY, "TradeBuyerPay", "taobao_*", "*", "qianmi_trade_tradeStateChange"])
def test_check_has_nothing_against_topics_that_may_come(registry: Registry, topic: str) -> None:
    registry.handles(topic)(on_any)
    assert list(topics.topics_findings()) == []


def test_check_tells_of_an_arriving_topic_that_a_registered_one_resembles(registry: Registry, tidings: Stores) -> None:
    registry.handles("qianmi_trade_tradeStateChanged")(on_any)
    came(tidings, "seen", qianmi_trade_tradeStateChange=7)
    came(tidings, "unhandled", qianmi_trade_tradeStateChange=7)
    slip, unhandled = topics.topics_findings()
    assert "did you mean qianmi_trade_tradeStateChange? 7 of its messages came lately" in slip.text
    assert "7 messages today that nobody handled" in unhandled.text


def test_a_worker_warns_of_slips_at_its_start_and_shows_its_handlers(
    registry: Registry, tidings: Stores, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.handles(SLIP)(on_any)
    for _ in range(2):
        starting.show_handlers()
    assert [f"did you mean {PAY}?" in record.message for record in caplog.records] == [True]
    its = fingerprint(entries(registry), beside(registry))
    assert [entry.topic for entry in tidings.registries.read([its])[its]] == [SLIP]


def test_a_worker_that_runs_no_handlers_shows_none(
    registry: Registry, tidings: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "takes", lambda _task: False)
    registry.handles(SLIP)(on_any)
    starting.show_handlers()
    assert tidings.registries.read([fingerprint(entries(registry), beside(registry))]) == {}
