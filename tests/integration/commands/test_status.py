"""`celery -A tasks status`, on a real Valkey; as a process where Celery's own command line or a terminal matters."""

import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fcntl import ioctl
from pathlib import Path
from typing import Any, Literal

import pytest
import time_machine
from rich.cells import cell_len

from tasks import app, runtime
from tasks.commands.accounts import accounts
from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import Embedded
from tasks.commands.status import broker, status
from tasks.confirming import counting
from tasks.handling import failing
from tasks.names import CONFIRM, CONSUME, HANDLE
from tasks.platforms import Item
from tasks.rules.allowance import limits_of
from tasks.rules.circuit_breaker import Pause
from tasks.rules.lease import Batch
from tasks.rules.registries import Entry, fingerprint
from tasks.runtime import Stores
from tasks.store.batches import Open
from tasks.store.letters import Letter
from tasks.store.presence import Presence
from tasks.store.quota import Turn
from tasks.store.seen import Seen
from tasks.store.troubles import Trouble
from tests import ready
from tests.integration.commands.running import Said, assert_harmless, run
from tests.integration.conftest import ACCOUNTS
from tests.ports import free_port

HOSTILE = "[red]\x1b[2J\u202e\n\udcff"
PAY = "taobao_trade_TradeBuyerPay"
PLACE = "JSONDecodeError at json/decoder.py:355, called at shop.py:12 in on_paid"
COUNTED = """
[accounts.counted]
gateway = "tb"
session = "env:TB_SECRET"
counter = { topics = ["trade"] }
"""
PATIENCE = 60.0

WORKER, BEAT = Presence("worker", "celery@here", 7), Presence("beat", "here", 8)


@pytest.fixture(autouse=True)
def _no_waiting_for_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are none in most tests."""
    monkeypatch.setattr(broker, "PING_SECONDS", 0.05)


@pytest.fixture
def polled(tidings: Stores, tmp_path: Path) -> Stores:
    """The stores, with three accounts that are polled as they should be, by a worker and a beat."""
    (tmp_path / "accounts.toml").write_text(ACCOUNTS + COUNTED)
    for present in (WORKER, BEAT):
        tidings.presences.put(present)
    tidings.due.seed({"shop": 100, "vshop": 200, "counted": 300})
    for name in ("shop", "vshop", "counted"):
        tidings.seen.put(name, Seen(time.time() - 30, 0, 8.0, per_second=0.01))
    return tidings


def objects(*words: str) -> dict[str, Any]:
    """What `--json` prints: the installation under "", gateways and accounts by name."""
    said = run(status, "--json", *words)
    assert said.err == ""
    return {row.get("name", ""): row for row in said.rows}


def rows(said: Said) -> dict[str, list[str]]:
    """The lines of a table by their first word."""
    assert said.err == ""
    return {words[0]: words for words in map(str.split, said.out.splitlines()) if words}


@pytest.mark.parametrize("words", [("shap",), ("shap", "v*"), ("shap", "--json")])
def test_a_name_that_no_account_has_is_no_good_news(polled: Stores, words: tuple[str, ...]) -> None:
    said = run(status, *words)
    assert (said.code, said.out) == (2, "")
    assert "there is no account shap; did you mean shop, vshop?" in said.err
    assert run(status, "no-such-*").code == 0, "a pattern may fit none"


def test_an_account_shows_how_it_is_polled_and_what_that_costs(polled: Stores) -> None:
    now = time.time()
    polled.seen.put("shop", Seen(now - 130, 3, 8.0, per_second=0.5, oldest=now - 130 - 7300, oldest_at=now - 130))
    polled.batches.open(Open(Batch("shop", "b", now, 60)))
    polled.tally.add("shop", {"calls": 30, "pulled": 25, "handled": 20}, now=now)
    polled.tally.add("vshop", {"calls": 4, "points": 12, "handled": 8}, now=now)
    found = rows(run(status, "--sort", "name"))
    names = [
        "account",
        "gateway",
        "msgs/h",
        "every",
        "pulled",
        "oldest",
        "waiting",
        "open",
        "calls",
        "points",
        "handled",
    ]
    assert found["account"] == [*names, "failed", "calls/msg", "points/msg", "note"]
    assert found["shop"][:13] == ["shop", "tb", "1800", "8s", "2m", "2h", "-", "1", "30", "-", "20", "-", "1.50"]
    assert 30 <= int(found["vshop"].pop(4).removesuffix("s")) < 90
    assert found["vshop"] == ["vshop", "vv", "36", "8s", "-", "-", "0", "4", "12", "8", "-", "0.50", "1.50"]


def test_what_the_counter_counted_last_shows_for_accounts_that_have_one(polled: Stores) -> None:
    polled.counts.seed({"counted": 5, "shop": 5})
    polled.counts.put("counted", 5, 42)
    polled.counts.put("shop", 5, 41)
    assert rows(run(status))["counted"][6] == "42"
    assert (objects()["counted"]["waiting"], objects()["shop"]["waiting"]) == (42, None)
    polled.counts.put("counted", 5, 4200)
    found = objects()["counted"]
    assert (found["attention"], found["note"]) == ("backlog", "4200 wait, a pull brings 100")


def test_a_gateway_shows_its_limits_and_what_is_used_of_them(polled: Stores, tmp_path: Path) -> None:
    text = ACCOUNTS.replace('"taobao"', '"taobao"\ncalls_per_day = 500\ncalls_per_second = 7')
    (tmp_path / "accounts.toml").write_text(text.replace('"vvtool"', '"vvtool"\npoints_per_day = 90'))
    runtime.accounts_source.cache_clear()
    for name, points in (("tb", 0), ("vv", 3)):
        limits = limits_of(runtime.accounts().gateways[name])
        taken = polled.quota.take(name, limits, "pull", "somebody")
        assert isinstance(taken, Turn)
        polled.quota.settle(name, limits, taken, points=points)
    polled.tally.add("shop", {"handled": 4, "pulled": 5, "dead": 1}, now=time.time())
    found = rows(run(status))
    assert found["tb"] == ["tb", "taobao", "1", "0", "1", "of", "500", "-", "7", "-", "36", "4", "1", "0.25", "-"]
    assert found["vv"][4:11] == ["1", "3", "of", "90", "10", "-", "36"]
    gateway = objects()["vv"]
    assert (gateway["kind"], gateway["points_today"], gateway["points_per_day"]) == ("gateway", 3, 90)


def test_a_gateway_whose_day_is_spent_is_shown_paused_with_what_to_do(polled: Stores, tmp_path: Path) -> None:
    (tmp_path / "accounts.toml").write_text(ACCOUNTS.replace('"vvtool"', '"vvtool"\ncalls_per_day = 1'))
    runtime.accounts_source.cache_clear()
    polled.quota.take("vv", limits_of(runtime.accounts().gateways["vv"]), "pull", "vshop")
    found = objects()
    assert "raise gateways.vv.calls_per_day" in found["vv"]["paused"]["remedy"]
    assert (found["vv"]["paused_accounts"], found["vshop"]["attention"]) == (1, "gateway")
    assert "! paused until" in run(status).out


def test_queues_show_how_many_tasks_wait(polled: Stores) -> None:
    assert objects()[""]["queues"] == {"consume": 0, "handle": 0, "confirm": 0}
    for number, name in enumerate((CONSUME, HANDLE, CONFIRM), 1):
        for _ in range(number):
            app.send_task(name, ())
    assert "queues: consume 1, handle 2, confirm 3; workers: 1; latest pull " in run(status).out


def test_a_broker_that_cannot_be_asked_costs_only_its_own_figures(
    polled: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(app, "connection_for_read", refuse)
    monkeypatch.setattr(app.control, "ping", refuse)
    assert "queues: consume -, handle -, confirm -; workers: 1; " in run(status).out
    (missing,) = objects()[""]["missing"]
    assert "the broker does not say what waits" in missing


def test_what_needs_attention_comes_first_with_a_mark(polled: Stores) -> None:
    polled.pauses.put("account", "vshop", Pause(time.time() + 600, "27: expired", "renew it"), now=time.time())
    said = run(status)
    assert [line.split()[0] for line in said.out.splitlines()[-3:]] == ["vshop", "counted", "shop"]
    assert "(9m): 27: expired; renew it" in said.out
    assert [line.split()[0] for line in said.out.splitlines() if "! " in line] == ["vshop"]
    assert "3 accounts, 1 to look at: 1 paused" in said.out
    found = objects()
    assert found[""]["needs"] == {"paused": 1}
    assert [found[name]["attention"] for name in ("vshop", "shop")] == ["paused", None]


def test_a_healthy_installation_is_exit_code_0_and_whatever_is_marked_1(polled: Stores) -> None:
    assert [run(status, *words).code for words in ((), ("--json",))] == [0, 0]
    polled.tally.add("shop", {"calls": 30, "pulled": 25, "handled": 20}, now=time.time())
    assert run(status).code == 0
    letter = polled.letters.bury(Letter(Item("", "1", "t", "{}"), "taobao", "shop", "no"))
    assert [run(status, *words).code for words in ((), ("--json",), ("vshop",))] == [1, 1, 1]
    polled.letters.drop([letter])
    polled.pauses.put("account", "shop", Pause(time.time() + 600, "27: expired"), now=time.time())
    assert [run(status, *words).code for words in ((), ("--json",), ("vshop",))] == [1, 1, 0]


@pytest.mark.parametrize("off", [-7200, -25, 4, 90])
def test_a_machine_whose_clock_is_off_is_named_wherever_status_runs(polled: Stores, off: int) -> None:
    polled.presences.put(replace(WORKER, skew=float(off)))
    said = run(status)
    assert said.code == 1
    assert (
        f"! worker {WORKER.name}: its machine's clock is {abs(off)} s {'ahead of' if off > 0 else 'behind'} "
        in said.out
    )


def test_a_status_on_a_machine_whose_clock_is_off_shows_ages_as_they_are(polled: Stores) -> None:
    with time_machine.travel(time.time() + 3600):
        said = run(status)
    assert "! this machine's clock is 3600 s ahead of Redis's" in said.out
    assert "latest pull 3" in said.out, "by the clock that all share"


def test_polls_that_came_too_late_are_counted(polled: Stores) -> None:
    polled.tally.add("shop", {"discarded": 12}, now=time.time())
    said = run(status)
    assert said.code == 0
    assert "12 polls discarded today, after too long a wait in the queue" in said.out
    assert "add a pull worker: `celery -A tasks worker -P threads -c 100 -Q consume,confirm`" in said.out


@pytest.mark.parametrize(
    ("gone", "about", "told"),
    [(WORKER, "workers", "! no worker answers: "), (BEAT, "beats", "! no beat runs, so nobody is polled: ")],
)
def test_without_a_worker_or_a_beat_there_is_something_to_do(
    polled: Stores, gone: Presence, about: str, told: str
) -> None:
    polled.presences.drop(gone)
    said = run(status)
    assert (said.code, told in said.out) == (1, True)
    installation = objects()[""]
    assert [finding["about"] for finding in installation["findings"]] == [about]
    assert installation[about] == 0


@pytest.mark.parametrize("idle", [WORKER, BEAT])
def test_who_runs_and_cannot_work_is_named(polled: Stores, idle: Presence) -> None:
    polled.presences.put(replace(idle, connected=False))
    said = run(status)
    assert (said.code, f"! the {idle.kind} {idle.name} runs and does nothing: " in said.out) == (1, True)
    assert [finding["about"] for finding in objects()[""]["findings"]] == ["idle"]


def test_each_beat_counts_also_where_another_runs_on_the_same_machine(polled: Stores) -> None:
    polled.presences.put(replace(BEAT, pid=9))
    polled.presences.put(replace(BEAT, since=5.0))  # in a container of its own, with the machine's name
    assert "beats: 3" in run(status).out
    assert objects()[""]["beats"] == 3


def test_a_worker_of_an_earlier_version_is_known_by_its_answer(polled: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    polled.presences.drop(WORKER)
    monkeypatch.setattr(app.control, "ping", lambda **_: [{"worker": {"ok": "pong"}}])
    assert (objects()[""]["workers"], run(status).code) == (1, 0)


def test_a_queue_that_no_worker_takes_from_is_named(polled: Stores) -> None:
    polled.presences.put(replace(WORKER, queues=("consume", "confirm")))
    said = run(status)
    told = "! no worker takes what waits in the queue handle: start one with `celery -A tasks worker -Q handle`"
    assert (said.code, told in said.out) == (1, True)
    polled.presences.put(Presence("worker", "celery@there", 9, queues=("handle",)))
    assert run(status).code == 0
    polled.presences.drop(WORKER)
    pulling = "start one with `celery -A tasks worker -P threads -c 100 -Q consume,confirm`"
    assert f"! no worker takes what waits in the queue consume: {pulling}" in run(status).out


def test_a_queue_that_a_handler_asks_for_and_nobody_takes_from_is_named(polled: Stores) -> None:
    lot = [Entry("taobao_trade_TradeBuyerPay", "shop.on_paid", queue="slow")]
    polled.registries.put(lot)
    queues = ("consume", "handle", "confirm")
    polled.presences.put(replace(WORKER, handlers=fingerprint(lot), queues=queues))
    said = run(status)
    told = "! no worker takes what waits in the queue slow: start one with `celery -A tasks worker -Q slow`"
    assert (said.code, told in said.out, "slow 0" in said.out) == (1, True, True)
    polled.presences.put(Presence("worker", "slow@there", 9, queues=("slow",)))
    assert run(status).code == 0


def at_once(out: str) -> str:
    """What it prints, as if no time had passed since: on a busy machine some seconds do."""
    return re.sub(r"\b\d{1,2}s\b", "0s", out)


def fail(stores: Stores, account: str = "shop", topic: str = PAY, number: int = 1, text: str = PLACE) -> None:
    failing.count(account, topic, text, number=number)


def test_a_failing_handler_needs_attention_at_once_with_its_place(polled: Stores) -> None:
    fail(polled, number=67)
    fail(polled)
    said = run(status)
    assert said.code == 1
    assert f"! {PAY}: 68 tries failed in 0s, the last 0s ago, for shop: {PLACE}" in at_once(said.out)
    assert "3 accounts, 1 to look at: 1 failing" in said.out
    assert rows(said)["shop"][11] == "68"
    assert "today 68 tries failed" in said.out
    found = objects()
    assert (found["shop"]["attention"], found["shop"]["today"]["failed_tries"]) == ("failing", 68)
    assert f": {PAY}: {PLACE}" in found["shop"]["note"]
    (trouble,) = found["shop"]["troubles"]
    assert (trouble["what"], trouble["topic"], trouble["count"], trouble["text"]) == ("failed", PAY, 68, PLACE)
    assert found[""]["failed_tries_today"] == 68
    assert [finding["about"] for finding in found[""]["findings"]] == ["failing"]
    assert run(status, "vshop").code == 0


def test_one_handler_that_fails_for_many_accounts_is_one_line(polled: Stores) -> None:
    for account in ("shop", "vshop", "counted", "gone"):
        fail(polled, account)
    assert run(status).out.count(PLACE) == 1 + 3, "one for all, and one for each account"
    told = f"! {PAY}: 3 tries failed in 0s, the last 0s ago, for counted, vshop, shop: {PLACE}"
    assert told in at_once(run(status).out)


def test_accounts_list_shows_failed_tries_and_where(polled: Stores) -> None:
    fail(polled, number=3)
    said = run(accounts, "list")
    (line,) = (line for line in said.out.splitlines() if line.startswith("shop"))
    head = said.out.splitlines()[0].split()
    assert line.split()[head.index("failed")] == "3"
    assert line.endswith(f"{PAY}: {PLACE}")
    (listed,) = run(accounts, "list", "--json", "shop").rows
    assert listed["today"]["failed_tries"] == 3
    assert listed["troubles"][0]["text"] == PLACE


def test_a_handler_that_asks_for_another_try_now_and_then_is_told_without_a_mark(polled: Stores) -> None:
    polled.troubles.add(Trouble("shop", "asked", PAY, "Retry at shop.py:3 in on_paid: stock is busy", 2))
    said = run(status)
    asked = f"{PAY}: 2 times its handler asked for another in 0s, the last 0s ago, for shop: Retry at shop.py:3"
    assert (said.code, asked in at_once(said.out), "!" in said.out) == (0, True, False)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("late_confirms", "! 12 messages were confirmed too late in 0s, the last 0s ago, for shop: they come again"),
        ("unconfirmed", "! 12 messages were not confirmed in 0s, the last 0s ago, for shop: they come again"),
    ],
)
def test_confirms_that_come_late_or_never_need_attention(
    polled: Stores, what: Literal["late_confirms", "unconfirmed"], told: str
) -> None:
    counting.count(Batch("shop", "b", 0, 20), what, 12)
    said = run(status)
    assert (said.code, told in at_once(said.out)) == (1, True), said.out
    found = objects()
    assert found["shop"]["attention"] == "unconfirmed"
    assert found[""][f"{what}_today"] == 12


def test_what_went_wrong_today_is_told_without_a_mark_when_it_is_over(polled: Stores) -> None:
    polled.tally.add("shop", {"failed_tries": 80, "late_confirms": 12, "unconfirmed": 3}, now=time.time())
    said = run(status)
    told = "today 80 tries failed, 12 messages were confirmed late, 3 were not confirmed"
    assert (said.code, told in said.out, "!" in said.out) == (0, True, False)


def test_a_gateway_paused_by_hand_is_told_and_is_to_be_resumed_unless_it_ends_by_itself(polled: Stores) -> None:
    run(accounts, "pause", "--gateway", "tb", "--reason", "stocktaking", "--for", "2h")
    said = run(status)
    assert (said.code, "!" in said.out) == (0, False)
    told = re.search(
        r"^gateway tb is paused by hand until .*, and with it its 2 accounts: stocktaking; ", said.out, re.MULTILINE
    )
    assert told, said.out
    run(accounts, "pause", "--gateway", "tb", "--reason", "stocktaking")
    said = run(status)
    assert said.code == 1
    assert "! gateway tb is paused by hand, and with it its 2 accounts: stocktaking; " in said.out
    assert "celery -A tasks accounts resume --gateway tb" in said.out
    assert "! paused by hand: stocktaking" in said.out


def test_accounts_paused_by_hand_are_counted(polled: Stores) -> None:
    run(accounts, "pause", "shop", "vshop", "--reason", "holiday")
    said = run(status)
    told = "2 accounts paused by hand: celery -A tasks accounts list --paused"
    assert (said.code, told in said.out, "!" in said.out) == (0, True, False)


def test_json_tells_an_account_as_the_list_does_and_more(polled: Stores) -> None:
    found = objects()
    assert [row["kind"] for row in found.values()] == ["installation", "gateway", "gateway", *["account"] * 3]
    (listed,) = run(accounts, "list", "--json", "shop").rows
    shop = found["shop"]
    same = set(listed) - {"next_in", "interval"}
    assert {key: shop[key] for key in same} == {key: listed[key] for key in same}
    assert (shop["interval"], shop["messages_per_hour"]) == (8.0, 36.0)
    assert shop["pulled_at"] == pytest.approx(time.time() - 30, abs=30)
    assert shop["calls_per_message"] is None


def test_patterns_choose_accounts_and_leave_gateways_and_totals_whole(polled: Stores) -> None:
    found = objects("sh*")
    assert list(found) == ["", "tb", "shop"]
    assert (found["tb"]["accounts"], found[""]["accounts"], found[""]["chosen"]) == (2, 3, 1)
    assert "1 of 3 accounts, none to look at" in run(status, "shop").out
    nobody = run(status, "nobody*")
    assert (nobody.code, "0 of 3 accounts, none to look at" in nobody.out) == (0, True)


def test_a_limit_says_how_many_more_there_are(polled: Stores) -> None:
    polled.pauses.put("account", "shop", Pause(time.time() + 600, "27: expired"), now=time.time())
    said = run(status, "--sort", "name", "--limit", "1")
    assert said.out.splitlines()[-1] == "and 2 more, 1 of them to look at; --limit 0 shows all"
    assert "and " not in run(status, "--limit", "0").out
    assert list(objects("--limit", "1", "--sort", "name"))[-1] == "counted"


def test_dead_letters_are_mentioned_with_the_command(polled: Stores) -> None:
    polled.letters.bury(Letter(Item("", "1", "t", "{}"), "taobao", "shop", "no"))
    assert "! 1 dead letter to look at: celery -A tasks letters list" in run(status).out


def test_hostile_reasons_are_escaped(polled: Stores) -> None:
    polled.pauses.put("account", "shop", Pause(time.time() + 600, HOSTILE), now=time.time())
    polled.pauses.put("gateway", "vv", Pause(time.time() + 600, HOSTILE), now=time.time())
    assert run(status).out.count("[red]\\x1b[2J\\u202e\\n\\udcff") == 2
    assert objects()["vv"]["paused"]["reason"] == HOSTILE


def test_without_accounts_it_says_where_to_write_them(tidings: Stores, tmp_path: Path) -> None:
    (tmp_path / "accounts.toml").write_text("[gateways]\n[accounts]\n")
    said = run(status)
    assert (said.code, "! there are no accounts" in said.out) == (1, True)


def test_what_cannot_be_read_is_told_in_a_line(tidings: Stores, tmp_path: Path) -> None:
    (tmp_path / "accounts.toml").write_text("[accounts.shop]\ngateway = 'nobody'\n")
    said = run(status)
    assert (said.code, "accounts.shop.gateway" in said.err) == (1, True)


def test_ten_thousand_accounts_are_shown_within_seconds(tidings: Stores, tmp_path: Path) -> None:
    lines = "".join(f'[accounts.shop-{number}]\ngateway = "tb"\n' for number in range(10_000))
    (tmp_path / "accounts.toml").write_text(ACCOUNTS + lines)
    runtime.accounts_source.cache_clear()
    tidings.due.seed(dict.fromkeys(runtime.accounts().accounts, 5.0))
    tidings.pauses.put("account", "shop-77", Pause(time.time() + 60, "x"), now=time.time())
    started = time.process_time()
    said = run(status)
    assert time.process_time() - started < 15, "1 to 2 s; how busy the machine is counts for nothing"
    assert len(said.out.splitlines()) < 70
    assert "10002 accounts, 1 to look at: 1 paused" in said.out
    assert rows(said)["shop-77"][-1] == "x"
    assert said.out.splitlines()[-1] == "and 9952 more, none of them to look at; --limit 0 shows all"


# As processes: Celery's command line, pipes, terminals.


def environment(folder: Path, url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TIDINGS_", "COLUMNS", "LINES"))}
    return {
        **kept,
        "TIDINGS_REDIS_URL": url,
        "TB_SECRET": "helloworld",
        "PYTHONPATH": str(folder),
        "TERM": "xterm",
        "TIDINGS_HANDLERS": "handlers",
    }


def command(*words: str, application: str = "tasks") -> list[str]:
    return [sys.executable, "-m", "celery", "-A", application, *words]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "accounts.toml").write_text(ACCOUNTS)
    (tmp_path / "another.py").write_text("from celery import Celery\napp = Celery(broker='memory://')\n")
    return tmp_path


def test_celerys_own_status_gives_way_for_this_application_only(folder: Path, valkey: str) -> None:
    def said(*words: str, application: str) -> subprocess.CompletedProcess[str]:
        argv = command("status", *words, application=application)
        return ready.run(argv[1:], folder, environment(folder, valkey), imported=ready.CELERYS)

    ours = said(application="tasks")  # whose accounts nobody polls
    assert (ours.returncode, ours.stdout.splitlines()[0].split()[0]) == (1, "gateway"), ours
    theirs = said("--timeout", "0.1", application="another")
    assert (theirs.returncode, "No nodes replied" in theirs.stderr) == (69, True), theirs


def test_a_worker_that_answers_is_counted(
    folder: Path, tidings: Stores, valkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "! no worker answers: start one with `celery -A tasks worker`" in run(status).out
    monkeypatch.setattr(broker, "PING_SECONDS", 0.5)
    argv, env = command("worker", "-P", "solo", "-l", "ERROR"), environment(folder, valkey)
    with subprocess.Popen(argv, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as worker:
        try:
            limit = time.monotonic() + PATIENCE
            while "workers: 1;" not in (said := run(status).out):
                assert time.monotonic() < limit, said
        finally:
            worker.kill()
    assert "no worker answers" not in said


def test_who_reads_no_further_gets_no_complaint(folder: Path, valkey: str) -> None:
    (folder / "accounts.toml").write_text(
        ACCOUNTS + "".join(f'[accounts.shop-{number}]\ngateway = "tb"\n' for number in range(3000))
    )
    with subprocess.Popen(
        command("status", "--limit", "0"),
        cwd=folder,
        env=environment(folder, valkey),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""


def test_watched_through_a_pipe_it_prints_picture_after_picture_until_ctrl_c(folder: Path, valkey: str) -> None:
    argv = command("status", "--watch", "0.2")
    env = environment(folder, valkey)
    with subprocess.Popen(argv, cwd=folder, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        seen: list[str] = []
        while sum(line.startswith("account ") for line in seen) < 2:
            line = process.stdout.readline()
            assert line, "it ended by itself"
            seen.append(line)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(PATIENCE) == 0
    assert_harmless("".join(seen) + rest)


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[tuple[Processes, Embedded]]:
    """A Valkey that the test may stop."""
    (tmp_path / "data").mkdir()
    with Processes() as processes:
        valkey = Embedded(tmp_path / "data", free_port())
        valkey.start(processes)
        valkey.wait(processes, Stopping())
        yield processes, valkey


class Terminal:
    """A command on a terminal of 80 by 24 characters."""

    def __init__(self, argv: list[str], folder: Path, env: dict[str, str]) -> None:
        self.ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(argv, cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self.said = ""

    def wait_for(self, text: str, times: int = 1) -> None:
        """Read until the text was said so many times."""
        limit = time.monotonic() + PATIENCE
        while self.said.count(text) < times:
            assert time.monotonic() < limit, self.said
            if select.select([self.ours], [], [], 0.2)[0]:
                self.said += os.read(self.ours, 65536).decode(errors="replace")

    def end(self) -> int:
        """Press Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        limit = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < limit
            if select.select([self.ours], [], [], 0.1)[0]:
                with suppress(OSError):  # nobody has the other end any more
                    os.read(self.ours, 65536)
        os.close(self.ours)
        return self.process.wait()


def test_watched_on_a_terminal_it_fits_and_outlives_a_redis_that_is_away(
    folder: Path, own_valkey: tuple[Processes, Embedded]
) -> None:
    processes, valkey = own_valkey
    lines = "".join(f'[accounts.shop-{"x" * 60}-{number}]\ngateway = "tb"\n' for number in range(40))
    (folder / "accounts.toml").write_text(ACCOUNTS + lines)
    terminal = Terminal(command("status", "--watch", "0.2"), folder, environment(folder, valkey.url))
    try:
        terminal.wait_for("Ctrl-C ends", 2)
        terminal.wait_for("--limit 0 shows all")
        pictures = re.split(r"\x1b\[2K|looking…", terminal.said)
        widest = max(
            cell_len(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line)) for each in pictures for line in each.splitlines()
        )
        assert widest <= 80
        assert max(len(each.strip().splitlines()) for each in pictures) <= 24
        processes.stop("valkey")
        terminal.wait_for("Redis does not answer")
        assert terminal.end() == 0
    finally:
        terminal.process.kill()
