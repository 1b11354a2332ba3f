"""Async handlers of one plain worker: many wait at a time in one process, beside all others, whatever one of them does."""

import json
import signal

import pytest
from redis import Redis

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
group = "shop"
poll = { min = 0.1, max = 1 }
[accounts.other]
gateway = "tb"
group = "other"
poll = { min = 0.1, max = 1 }
"""
WAITING = (
    HANDLERS
    + """
import asyncio

loops = set()

@handles("wait")
async def on_wait(content: dict, message: Message) -> None:
    loops.add(id(asyncio.get_running_loop()))
    note(message, f"loops {len(loops)}")
    await asyncio.sleep(0.05)
    note(message, "handled")

@handles("long")
async def on_long(content: dict, message: Message) -> None:
    note(message, "began")
    try:
        while not os.path.exists(JOURNAL + ".go"):
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        note(message, "cancelled")
        raise
    note(message, "handled")

@handles("late", timeout=1)
async def on_late(content: dict, message: Message) -> None:
    try:
        await asyncio.sleep(50)
    except asyncio.CancelledError:
        note(message, "late")
        raise

@handles("block", timeout=1)
async def on_block(content: dict, message: Message) -> None:
    try:
        time.sleep(50)
    finally:
        note(message, "interrupted")

@handles("stubborn", timeout=1)
async def on_stubborn(content: dict, message: Message) -> None:
    while True:
        try:
            time.sleep(50)
        except Exception:
            note(message, "stubborn")

@handles("kill")
async def on_kill(content: dict, message: Message) -> None:
    note(message, "kills")
    os.kill(os.getpid(), 9)
"""
)


@pytest.fixture
def shop(installation: Installation) -> Installation:
    """Two shops, and a worker of one process that has read its handlers, with a beat."""
    installation.configure(ACCOUNTS, WAITING)
    installation.env |= {
        "TIDINGS_WORKER_CONCURRENCY": "1",
        "TIDINGS_OPEN_BATCHES": "50",
        "TIDINGS_MAX_DELIVERIES": "2",
        "TIDINGS_MAX_DEAD_RATIO": "1",
    }
    installation.worker()
    installation.beat()
    return installation


def publish(shop: Installation, number: int, topic: str, group: str = "shop") -> set[str]:
    return set(shop.control.publish("taobao", [{"topic": topic, "content": {}}] * number, group=group))


def told(shop: Installation, what: str) -> set[str]:
    """The messages that a journal tells this of."""
    return {line[4] for line in shop.handled(what)}


def confirmed(shop: Installation) -> set[str]:
    return {message["id"] for message in shop.control.ledger("taobao") if message["confirmed"]}


def processes(shop: Installation) -> set[int]:
    """The process of async handlers, as `celery inspect stats` tells."""
    found = json.loads(shop.once("inspect", "stats", "--json", "--timeout", "5"))
    return {pid for stats in found.values() for pid in stats["async"]["processes"]}


def test_many_wait_at_a_time_in_one_process_and_hold_up_nobody(shop: Installation) -> None:
    waiting = publish(shop, 600, "wait", "other")
    shop.until(lambda: told(shop, "handled") == waiting, 40, "all that are done soon")
    times = [line[5] for line in shop.handled()]
    assert max(times) - min(times) < 600 * 0.05 / 2, "one after the other they would take twice as long"
    assert told(shop, "loops 1") == waiting, "each process has one loop"
    long = publish(shop, 150, "long")
    shop.until(lambda: told(shop, "began") == long, 40, "150 wait at a time, of a worker that has one process")
    quick = publish(shop, 5, "t", "other")
    shop.until(lambda: told(shop, "handled") == waiting | quick, 20, "meanwhile others are handled")
    assert {line[6] for line in shop.handled("began")} == processes(shop)
    (shop.home / "journal.go").touch()
    everything = long | quick | waiting
    shop.until(lambda: confirmed(shop) == everything, 20, "all are confirmed")
    assert len(shop.handled()) == len(everything), "each is handled once"


def test_whatever_one_of_them_does_costs_its_own_message_only(shop: Installation) -> None:
    others = set()
    for topic in ("late", "block", "stubborn", "kill"):
        others |= publish(shop, 3, "wait")
        publish(shop, 1, topic)
        others |= publish(shop, 3, "wait")
    shop.until(lambda: told(shop, "late") and told(shop, "interrupted"), 30, "limits are kept")
    shop.until(lambda: told(shop, "stubborn") and told(shop, "kills"), 30, "worse ones")
    others |= publish(shop, 10, "wait")
    shop.until(lambda: others <= confirmed(shop), 30, "all others are confirmed, long before their lease ends")
    letters = json.loads(shop.once("letters", "list", "--json") or "[]")
    assert {letter["topic"] for letter in letters} <= {"late", "block", "stubborn", "kill"}


def test_a_stop_cancels_what_does_not_end_and_another_worker_has_it(shop: Installation, redis: Redis) -> None:
    long = publish(shop, 20, "long")
    shop.until(lambda: told(shop, "began") == long, 30, "all wait")
    worker = shop.processes["worker"]
    worker.send_signal(signal.SIGTERM)
    shop.until(lambda: "Warm shutdown" in shop.log("worker").read_text(), 20, "it has heard that")
    worker.send_signal(signal.SIGINT)  # somebody is in a hurry
    assert worker.wait(30) == 0
    assert told(shop, "cancelled") == long
    (shop.home / "journal.go").touch()
    shop.worker("another")
    shop.until(lambda: confirmed(shop) == long, 30, "the other one")
    shop.until(lambda: not redis.hlen("tidings:unacked"), 10, "nothing is left behind")
