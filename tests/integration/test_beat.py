"""The scheduler, on a real broker: what it sends, how fast, and that two of them send nothing twice."""

import base64
import logging
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import time_machine
from celery.beat import Service
from celery.schedules import schedule
from kombu.utils.json import loads
from redis import Redis

from tasks import app, runtime, sending, settings
from tasks.beat import PACE_SECONDS, AccountScheduler
from tasks.plumbing import pulse
from tasks.rules.allowance import Limits
from tasks.rules.circuit_breaker import Pause
from tasks.rules.measures import Reason
from tasks.runtime import Stores
from tasks.store import connection
from tasks.store.quota import PutOff, Turn
from tidings_cli import probe

GATEWAY = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
"""
BLOCKING = """
import threading
asked, answer = threading.Event(), threading.Event()
calls = []
def go():
    calls.append(1)
    if len(calls) > 1: asked.set(); answer.wait(30)
    gateways = {"vv": {"platform": "vvtool", "token": "t"}}
    return {"gateways": gateways, "accounts": {"a": {"gateway": "vv", "shop_id": "1"}}}
"""
TOLD_TWICE = """
import os, signal, threading
from celery.apps.beat import Beat
from celery.beat import Service
from tasks import app
from tasks.beat import AccountScheduler

class Last:
    def __del__(self, kill=os.kill, pid=os.getpid()):
        kill(pid, signal.SIGTERM)

last = Last()
service = Service(app, scheduler_cls=AccountScheduler)
Beat(app=app).install_sync_handler(service)
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
service.start()
"""


def write_accounts(tmp_path: Path, *names: str, extra: str = "") -> None:
    text = GATEWAY + "".join(f'[accounts.{name}]\ngateway = "tb"\n{extra.format(name=name)}' for name in names)
    (tmp_path / "accounts.toml").write_text(text)


def sent(redis: Redis) -> list[tuple[str, str]]:
    """Task and account of everything in the consume queue."""
    messages = [loads(raw) for raw in redis.lrange("tidings:consume", 0, -1)]
    return [(message["headers"]["task"], message["headers"]["argsrepr"]) for message in messages]


def accounts_of(redis: Redis) -> Counter[str]:
    return Counter(args for _, args in sent(redis))


@pytest.fixture
def scheduler(tidings: Stores) -> AccountScheduler:
    made = AccountScheduler(app=app)
    runtime.accounts_source.cache_clear()  # Celery's settings have read the accounts; the test writes its own
    return made


def tick(scheduler: AccountScheduler, seconds: float) -> None:
    tick_until(scheduler, lambda: False, seconds)


def tick_until(scheduler: AccountScheduler, reached: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not reached():
        time.sleep(min(scheduler.tick(), 0.05))


def test_a_beat_that_has_read_no_accounts_is_not_ready_and_one_that_keeps_its_last_good_ones_is(
    tmp_path: Path, scheduler: AccountScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a rollout with a broken accounts file takes away the beats that still know whom to poll."""
    monkeypatch.setenv("TIDINGS_HEALTH_DIR", str(tmp_path / "health"))
    monkeypatch.setattr(pulse, "EVERY_SECONDS", 0.0)
    (tmp_path / "accounts.toml").write_text("[gateways.tb")
    scheduler._pulse = pulse.Pulse("beat", "host")

    def said() -> str:
        for _ in range(2):
            scheduler.tick()
        return probe.fault(probe.read("beat"), 5, connected=True)

    assert said().endswith("or no accounts that it can use")
    write_accounts(tmp_path, "a")
    tick_until(scheduler, lambda: not said())
    assert said() == ""
    (tmp_path / "accounts.toml").write_text("[gateways.tb")
    tick(scheduler, 1.5)
    assert said() == ""


@pytest.mark.parametrize("at_once", [True, False], ids=["while beat runs", "before it starts"])
def test_a_gateway_of_another_name_has_used_what_its_app_has(
    tmp_path: Path, scheduler: AccountScheduler, tidings: Stores, at_once: bool
) -> None:
    """Its day's quota began anew, so that the platform's was exceeded."""
    write_accounts(tmp_path, "a")
    tick_until(scheduler, tidings.gateways.read)
    limits = Limits(calls_per_day=1)
    assert isinstance(tidings.quota.take("tb", limits, "confirm", "a"), Turn)
    path = tmp_path / "accounts.toml"
    path.write_text(path.read_text().replace("gateways.tb", "gateways.tb2").replace('"tb"', '"tb2"'))
    if not at_once:
        runtime.accounts_source.cache_clear()
        scheduler = AccountScheduler(app=app)
    tick_until(scheduler, lambda: "tb2" in tidings.gateways.read())
    now = time.time()
    assert (tidings.quota.used("tb2", now).calls, tidings.quota.used("tb", now).calls) == (1, 0)
    found = tidings.quota.take("tb2", limits, "confirm", "a")
    assert isinstance(found, PutOff)
    assert found.spent == "calls"


@pytest.mark.parametrize(
    ("before", "there", "after"),
    [
        (Pause(900, "banned", since=1), None, "banned"),
        (Pause(600, "moving", by_hand=True), Pause(900, "banned", since=1), "moving"),
        (Pause(900, "banned", since=1), Pause(600, "moving", by_hand=True), "moving"),
        (Pause(600, "banned", since=1), Pause(900, "spent", since=1), "spent"),
        (Pause(600, "banned", since=1), Pause(-60, "moving", by_hand=True), "banned"),
        (Pause(-60, "refused", "renew it", 3, "f", since=1), Pause(-90, "banned", since=1), "banned"),
    ],
    ids=[
        "ban",
        "by hand over a ban",
        "a ban leaves one by hand",
        "the longer one",
        "one that is over",
        "its own, over",
    ],
)
def test_a_gateway_of_another_name_is_paused_as_it_was(
    tmp_path: Path, scheduler: AccountScheduler, tidings: Stores, before: Pause, there: Pause | None, after: str
) -> None:
    """A banned app was called again at once, and a gateway ran on that a person had stopped."""
    write_accounts(tmp_path, "a")
    tick_until(scheduler, tidings.gateways.read)
    now = time.time()
    for name, pause in (("tb", before), ("tb2", there)):
        if pause:
            tidings.pauses.put("gateway", name, replace(pause, until=now + pause.until, since=now), now=now)
    path = tmp_path / "accounts.toml"
    path.write_text(path.read_text().replace("gateways.tb", "gateways.tb2").replace('"tb"', '"tb2"'))
    tick_until(scheduler, lambda: "tb2" in tidings.gateways.read())
    pauses = tidings.pauses.many("gateway", ["tb", "tb2"])
    assert {name: pause.reason for name, pause in pauses.items()} == {"tb2": after}
    names = [tidings.pauses.paused("gateway", reason, now, 9)[1] for reason in get_args(Reason)]
    assert [name for each in names for name in each] == ["tb2"] * (pauses["tb2"].until > now)


@pytest.mark.parametrize("there", [True, False], ids=["both exchange their names", "its name is a new app's"])
def test_a_gateway_whose_old_name_is_another_apps_has_used_and_is_paused_as_before(
    tmp_path: Path, scheduler: AccountScheduler, tidings: Stores, there: bool
) -> None:
    """Its quota began anew, and its ban held for the other one."""
    path, apps, now = tmp_path / "accounts.toml", {"tb": "111", "tb2": "222"}, time.time()

    def write(apps: dict[str, str]) -> None:
        gateways = (GATEWAY.replace(".tb]", f".{name}]").replace("12345678", app) for name, app in apps.items())
        path.write_text("".join(gateways) + '[accounts.a]\ngateway = "tb"\n')

    write(apps if there else {"tb": "111"})
    tick_until(scheduler, tidings.gateways.read)
    for name, calls in (("tb", 3), ("tb2", 1 if there else 0)):
        for _ in range(calls):
            tidings.quota.take(name, Limits(calls_per_day=9), "confirm", "a")
    tidings.pauses.put("gateway", "tb", Pause(now + 600, "banned", since=now), now=now)
    write({"tb": "222", "tb2": "111"})
    known = tidings.gateways.read()["tb"].app
    tick_until(scheduler, lambda: tidings.gateways.read()["tb"].app != known)
    used = tidings.quota.used_many(["tb", "tb2"], now)
    assert [each.calls for each in used.values()] == [1 if there else 0, 3]
    assert [*tidings.pauses.many("gateway", ["tb", "tb2"])] == ["tb2"]


def test_a_gateway_that_comes_beside_another_or_is_another_app_has_used_nothing(
    tmp_path: Path, scheduler: AccountScheduler, tidings: Stores
) -> None:
    write_accounts(tmp_path, "a")
    tick_until(scheduler, tidings.gateways.read)
    now = time.time()
    tidings.pauses.put("gateway", "tb", Pause(now + 600, "banned", since=now), now=now)
    tidings.quota.take("tb", Limits(calls_per_day=2), "confirm", "a")
    path = tmp_path / "accounts.toml"
    path.write_text(path.read_text() + GATEWAY.replace(".tb]", ".beside]"))
    tick_until(scheduler, lambda: "beside" in tidings.gateways.read())
    path.write_text(
        path.read_text().replace(".tb]", ".other]", 1).replace("12345678", "87654321", 1).replace('"tb"', '"other"')
    )
    tick_until(scheduler, lambda: "other" in tidings.gateways.read())
    used = tidings.quota.used_many(["tb", "beside", "other"], time.time())
    assert [each.calls for each in used.values()] == [1, 0, 0]
    assert [*tidings.pauses.many("gateway", ["tb", "beside", "other"])] == ["tb"]


@pytest.mark.parametrize("in_a_worker", [False, True], ids=["alone", "in a worker"])
def test_a_beat_counts_as_one_wherever_it_runs(tidings: Stores, in_a_worker: bool) -> None:
    """Celery tells of a beat in a worker (`-B`) with two signals."""
    service = Service(app, scheduler_cls=AccountScheduler)
    running = threading.Thread(target=service.start, kwargs={"embedded_process": in_a_worker})
    running.start()
    try:
        time.sleep(1)
        assert len(tidings.presences.read()) == 1
    finally:
        service.stop(wait=True)
        running.join(5)
    assert tidings.presences.read() == []


def test_a_second_sigterm_in_the_last_moments_does_not_become_how_a_beat_has_ended(tidings: Stores) -> None:
    """Python gives signals back what they do by themselves before a process is gone."""
    done = subprocess.run([sys.executable, "-c", TOLD_TWICE], check=False, timeout=60)
    assert done.returncode == 0


def test_each_account_is_sent_once_for_each_time_it_is_due(
    tmp_path: Path, scheduler: AccountScheduler, redis: Redis
) -> None:
    write_accounts(tmp_path, "a", "b", "c")
    tick_until(scheduler, lambda: len(sent(redis)) >= 3)
    tick(scheduler, 0.5)
    assert accounts_of(redis) == {"('a',)": 1, "('b',)": 1, "('c',)": 1}
    assert {task for task, _ in sent(redis)} == {"tidings.consume"}


def test_a_consume_task_says_until_when_it_is_worth_a_call_by_the_clock_that_all_share(
    tmp_path: Path, scheduler: AccountScheduler, redis: Redis
) -> None:
    write_accounts(tmp_path, "a")
    with time_machine.travel(time.time() + 3600):
        tick_until(scheduler, lambda: sent(redis))
    message = loads(redis.lrange("tidings:consume", 0, -1)[0])
    _, keywords, _ = loads(base64.b64decode(message["body"]))
    assert 0 < keywords["until"] - time.time() <= sending.claim_seconds()
    assert message["headers"]["expires"] is None, "Celery judges it by the receiver's own clock"


def test_two_beats_send_two_thousand_accounts_once_and_faster_than_celery_s_own_would(
    tmp_path: Path, tidings: Stores, redis: Redis
) -> None:
    names = [f"shop-{number}" for number in range(2000)]
    write_accounts(tmp_path, *names)
    tidings.due.seed(dict.fromkeys(names, 0.0))
    beats = [AccountScheduler(app=app) for _ in range(2)]
    began = time.monotonic()
    over = threading.Event()
    threads = [threading.Thread(target=tick_until, args=(beat, over.is_set, 30)) for beat in beats]
    for thread in threads:
        thread.start()
    try:
        while redis.llen("tidings:consume") < 2000:
            assert time.monotonic() - began < 20, "Celery's own would need 40 s"
            time.sleep(0.02)
        over.wait(1)  # what is sent twice would show by then
    finally:
        over.set()
        for thread in threads:
            thread.join(20)
    counted = accounts_of(redis)
    assert len(counted) == 2000
    assert set(counted.values()) == {1}


def test_changes_of_the_accounts_file_take_effect_without_a_restart(
    tmp_path: Path, scheduler: AccountScheduler, redis: Redis, tidings: Stores
) -> None:
    write_accounts(tmp_path, "a", "b")
    tick_until(scheduler, lambda: len(sent(redis)) >= 2)
    write_accounts(tmp_path, "b", "c")
    tick_until(scheduler, lambda: tidings.due.known() == {"b", "c"} and len(sent(redis)) >= 3)
    assert tidings.due.known() == {"b", "c"}
    assert accounts_of(redis) == {"('a',)": 1, "('b',)": 1, "('c',)": 1}


def test_an_account_with_new_credentials_is_polled_soon(
    tmp_path: Path, scheduler: AccountScheduler, tidings: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEW", "renewed")
    write_accounts(tmp_path, "a", "b", extra='session = "env:TB_SECRET"\n')
    tick_until(scheduler, lambda: tidings.due.known() == {"a", "b"})
    for name in ("a", "b"):
        tidings.due.put(name, 300)
    write_accounts(tmp_path, "a", extra='session = "env:NEW"\n')
    with (tmp_path / "accounts.toml").open("a") as file:
        file.write('[accounts.b]\ngateway = "tb"\nsession = "env:TB_SECRET"\n')
    tick_until(scheduler, lambda: tidings.due.waits(["a"])["a"] - time.time() < 60)
    waits = tidings.due.waits(["a", "b"])
    assert waits["a"] - time.time() < 60
    assert waits["b"] - time.time() > 200


def test_a_function_that_blocks_does_not_hold_up_who_is_due(
    tmp_path: Path, scheduler: AccountScheduler, redis: Redis, tidings: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "blocking_accounts.py").write_text(BLOCKING)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("TIDINGS_ACCOUNTS", "python:blocking_accounts:go")
    monkeypatch.setenv("TIDINGS_ACCOUNTS_SECONDS", "0.001")
    for cached in (settings.settings, runtime.accounts_source):
        cached.cache_clear()
    tick_until(scheduler, lambda: sent(redis))
    module = sys.modules["blocking_accounts"]
    tick_until(scheduler, module.asked.is_set)
    assert module.asked.is_set()
    try:
        tidings.due.put("a", 0)
        tick_until(scheduler, lambda: len(sent(redis)) >= 2)
        assert accounts_of(redis) == {"('a',)": 2}
    finally:
        module.answer.set()
        del sys.modules["blocking_accounts"]


def test_whoever_falls_due_sooner_than_expected_is_sent_within_a_fifth_of_a_second(
    tmp_path: Path, scheduler: AccountScheduler, tidings: Stores
) -> None:
    write_accounts(tmp_path, "a")
    tick_until(scheduler, tidings.due.known)
    tidings.due.put("a", 100)
    assert scheduler.tick() <= 0.1


def test_what_falls_due_at_nearly_the_same_time_is_sent_together(
    tmp_path: Path, scheduler: AccountScheduler, tidings: Stores
) -> None:
    write_accounts(tmp_path, "a", "b")
    tick_until(scheduler, lambda: len(tidings.due.known()) == 2)
    tidings.due.put("a", 0)
    tidings.due.put("b", 0.001)
    assert scheduler.tick() >= PACE_SECONDS


def test_a_broken_accounts_file_leaves_the_last_good_one_at_work(
    tmp_path: Path, scheduler: AccountScheduler, tidings: Stores
) -> None:
    write_accounts(tmp_path, "a")
    tick_until(scheduler, tidings.due.known)
    (tmp_path / "accounts.toml").write_text("accounts = 5")
    tick(scheduler, 2)
    assert tidings.due.known() == {"a"}


def test_a_flushed_redis_is_filled_again_at_the_next_look(
    tmp_path: Path, scheduler: AccountScheduler, redis: Redis, tidings: Stores
) -> None:
    write_accounts(tmp_path, "a", "b")
    tick_until(scheduler, lambda: len(tidings.due.known()) == 2)
    redis.flushall()
    tick_until(scheduler, lambda: len(tidings.due.known()) == 2)
    assert tidings.due.known() == {"a", "b"}


def test_without_usable_accounts_beat_waits_for_some_and_says_why_once(
    tmp_path: Path, scheduler: AccountScheduler, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)  # a worker started in this process may have set another
    (tmp_path / "accounts.toml").write_text("[accounts.a]\n")
    tick_until(scheduler, lambda: "accounts.a" in caplog.text)
    tick(scheduler, 0.5)
    assert sum("accounts.a" in record.message for record in caplog.records) == 1
    write_accounts(tmp_path, "a")
    tick_until(scheduler, lambda: sent(redis))
    assert accounts_of(redis) == {"('a',)": 1}


def test_accounts_with_a_counter_have_it_read_too(tmp_path: Path, scheduler: AccountScheduler, redis: Redis) -> None:
    write_accounts(tmp_path, "a", extra='session = "env:TB_SECRET"\n[accounts.{name}.counter]\ntopics = ["trade"]\n')
    tick_until(scheduler, lambda: len(sent(redis)) >= 2)
    assert {task for task, _ in sent(redis)} == {"tidings.consume", "tidings.count"}


def test_entries_of_beat_schedule_run_as_well(
    tmp_path: Path, tidings: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_accounts(tmp_path, "a")
    entry = {"task": "tidings.consume", "schedule": schedule(0.2), "args": ("by-hand",)}
    monkeypatch.setitem(app.conf.beat_schedule, "by-hand", entry)
    tick_until(AccountScheduler(app=app), lambda: accounts_of(redis)["['by-hand']"] >= 2)
    assert accounts_of(redis)["['by-hand']"] >= 2


def test_a_redis_that_is_down_is_waited_for(
    tmp_path: Path, scheduler: AccountScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_accounts(tmp_path, "a")
    monkeypatch.setenv("TIDINGS_REDIS_URL", "redis://127.0.0.1:1/0")
    for cached in (settings.settings, connection.connect, runtime.stores):
        cached.cache_clear()
    assert scheduler.tick() == 2.0
