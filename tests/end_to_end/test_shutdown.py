"""A worker that is told to stop: what runs is finished, the rest is handed back, and a rolling restart loses nothing."""

import json
import os
import signal
from collections import Counter

import pytest

from tests.end_to_end.installation import HANDLERS, Installation

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 60
[accounts.shop]
gateway = "tb"
poll = { min = 0.2, max = 0.5 }
"""
NOTE = '    note(message, "handled")'
SLOW = HANDLERS.replace(NOTE, "    time.sleep(0.3)\n" + NOTE)
SLEEPS_ONCE = HANDLERS.replace(
    NOTE,
    f"""
    if not os.path.exists(JOURNAL + message.id):
        open(JOURNAL + message.id, "w").close()
        note(message, "begun")
        {{sleep}}
{NOTE}""",
)
ENDS = """
        try:
            time.sleep(40)
        except SystemExit:
            note(message, "interrupted")
            raise
"""
STUBBORN = """
        import signal
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        time.sleep(40)
"""

TAKES_ITS_TIME = HANDLERS.replace(
    NOTE,
    f"""
    note(message, "begun")
    time.sleep(2)
{NOTE}""",
)


SIGNALLED_AT_FIRST = (
    HANDLERS
    + """
import signal
from celery.app import trace

MAIN, build = os.getpid(), trace.build_tracer

def building(*args, **kwargs):
    if os.getpid() != MAIN:
        os.kill(os.getpid(), signal.SIGTERM)
    return build(*args, **kwargs)

trace.build_tracer = building
"""
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_lets_a_handler_end(installation: Installation, number: signal.Signals) -> None:
    installation.configure(ACCOUNTS, TAKES_ITS_TIME)
    (id_,) = installation.control.publish("taobao", [{"topic": "t", "content": {}}])
    worker = installation.worker()
    installation.beat()
    installation.until(lambda: installation.handled("begun"), 40, "the handler runs")
    os.killpg(worker.pid, number)
    installation.until(lambda: worker.poll() is not None, 40, "the worker ends")
    assert worker.returncode == 0
    assert [line[4] for line in installation.handled("begun")] == [id_]
    assert [line[4] for line in installation.handled()] == [id_]
    assert not [word for word in ("Traceback", "SystemExit", "ERROR") if word in installation.log("worker").read_text()]


def test_a_pool_process_that_has_only_begun_does_not_end_by_a_signal_to_the_whole_group(
    installation: Installation,
) -> None:
    installation.configure(ACCOUNTS, SIGNALLED_AT_FIRST)
    installation.control.publish("taobao", [{"topic": "t", "content": {}}])
    installation.worker()
    installation.beat()
    installation.until(installation.handled, 40, "the message is handled")
    assert "ERROR" not in installation.log("worker").read_text()


def test_a_rolling_restart_handles_everything_once_within_one_lease(installation: Installation) -> None:
    installation.configure(ACCOUNTS, SLOW)
    ids = installation.control.publish("taobao", [{"topic": "t", "content": {"n": n}} for n in range(60)])
    old = installation.worker("old")
    installation.beat()
    installation.until(lambda: len(installation.handled()) >= 6, 40, "the work has begun")
    installation.worker("new")
    old.terminate()
    installation.until(lambda: old.poll() is not None, 30, "the old worker ends")
    installation.until(lambda: all(m["confirmed"] for m in installation.control.ledger()), 60, "all are confirmed")
    assert Counter(line[4] for line in installation.handled()) == Counter(ids)
    assert all(len(message["deliveries"]) == 1 for message in installation.control.ledger())


@pytest.mark.parametrize("sleep", ["time.sleep(40)", STUBBORN.strip()], ids=["interrupted", "killed"])
def test_a_handler_that_runs_past_the_soft_limit_is_handed_on(installation: Installation, sleep: str) -> None:
    installation.configure(ACCOUNTS, SLEEPS_ONCE.replace("{sleep}", sleep))
    installation.env["TIDINGS_VISIBILITY_SECONDS"] = "15"
    (id_,) = installation.control.publish("taobao", [{"topic": "t", "content": {}}])
    old = installation.worker("old", "--", "worker.soft_shutdown_timeout=1")
    installation.beat()
    installation.until(lambda: installation.handled("begun"), 40, "the handler runs")
    old.terminate()
    installation.until(lambda: old.poll() is not None, 25, "the old worker ends before its handler would")
    installation.worker("new")
    installation.until(lambda: all(m["confirmed"] for m in installation.control.ledger()), 60, "it is confirmed")
    assert [line[4] for line in installation.handled()] == [id_]


def test_a_thread_that_a_module_of_handlers_has_started_does_not_keep_its_worker(installation: Installation) -> None:
    thread = "\nimport threading\nthreading.Thread(target=time.sleep, args=(600,)).start()\n"
    installation.configure(ACCOUNTS, HANDLERS + thread)
    installation.control.publish("taobao", [{"topic": "t", "content": {}}])
    worker = installation.worker()
    installation.beat()
    installation.until(installation.handled, 40, "the handler has run")
    worker.terminate()
    assert worker.wait(18) == 0
    assert "what still runs in threads ends with this process" in installation.log("worker").read_text()


def test_threads_that_wait_for_a_platform_or_run_a_handler_end_within_seconds_when_the_worker_is_told_twice(
    installation: Installation,
) -> None:
    installation.env["TIDINGS_READ_SECONDS"] = "60"
    other = '[accounts.other]\ngateway = "tb"\ngroup = "g2"\n'
    installation.configure(ACCOUNTS + other, SLEEPS_ONCE.replace("{sleep}", "time.sleep(60)"))
    installation.control.fault("taobao", "slow", seconds=60, group="g2")
    installation.control.publish("taobao", [{"topic": "t", "content": {}}])
    worker = installation.worker("worker", "-P", "threads", "-c", "8")
    installation.beat()
    installation.until(lambda: installation.handled("begun"), 40, "the handler runs")
    worker.send_signal(signal.SIGINT)
    installation.until(lambda: "Warm shutdown" in installation.log("worker").read_text(), 20, "it has heard that")
    worker.send_signal(signal.SIGINT)
    assert worker.wait(20) == 0
    assert not installation.handled()


def test_a_task_that_is_revoked_is_interrupted_though_its_process_heeds_nobody_else(installation: Installation) -> None:
    installation.configure(ACCOUNTS, SLEEPS_ONCE.replace("{sleep}", ENDS.strip()))
    installation.control.publish("taobao", [{"topic": "t", "content": {}}])
    installation.worker()
    installation.beat()
    installation.until(lambda: installation.handled("begun"), 40, "the handler runs")
    os.kill(installation.handled("begun")[0][6], signal.SIGTERM)
    (active,) = json.loads(installation.once("inspect", "active", "--json")).values()
    assert not installation.handled("interrupted")
    installation.once("control", "terminate", "SIGTERM", active[0]["id"])
    installation.until(lambda: installation.handled("interrupted"), 20, "the handler is interrupted")
