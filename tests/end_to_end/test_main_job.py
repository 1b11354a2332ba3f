"""The main job with nothing faked but the platforms: processes, a real broker, HTTP."""

import time
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import pytest
from redis import Redis

from tasks.sandbox.control import LedgerRow
from tests.end_to_end.installation import HANDLERS, Installation
from tests.gateways import all_three

ACCOUNTS = (
    all_three(lease_seconds=30)
    + """[accounts.taobao-default]
gateway = "tb"
poll = { min = 0.2, max = 1 }
[accounts.taobao-g1]
gateway = "tb"
group = "g1"
poll = { min = 0.2, max = 1 }
[accounts.qianmi-a]
gateway = "qm"
group = "A854800"
poll = { min = 0.2, max = 1 }
[accounts.vvtool-a]
gateway = "vv"
shop_id = "123"
poll = { min = 0.2, max = 1 }
"""
)

QUEUES: dict[str, dict[str, Any]] = {
    "taobao-default": {"platform": "taobao"},
    "taobao-g1": {"platform": "taobao", "group": "g1"},
    "qianmi-a": {"platform": "qianmi", "group": "A854800"},
    "vvtool-a": {"platform": "vvtool", "shop_id": "123"},
}
TOPIC = "taobao_trade_TradeBuyerPay"


def publish(installation: Installation, count: int) -> None:
    """So many messages into each queue."""
    for queue in QUEUES.values():
        messages = [{"topic": TOPIC, "content": {"tid": 1588826713157361977 + n}} for n in range(count)]
        installation.control.publish(messages=messages, **queue)


def confirms(installation: Installation) -> list[LedgerRow]:
    return [message for message in installation.control.ledger() if message["platform"] != "vvtool"]


@pytest.mark.parametrize("stock", ["0", "1"])
def test_a_worker_and_two_beats_handle_and_confirm_everything_once_and_nothing_early(
    installation: Installation, stock: str
) -> None:
    installation.env["TIDINGS_STOCK"] = stock
    installation.cold = True
    installation.configure(ACCOUNTS)
    publish(installation, 250)
    installation.worker()
    installation.beat("beat-1")
    installation.beat("beat-2")
    installation.until(lambda: len(installation.handled()) >= 1000, 60, "every message is handled")
    installation.until(lambda: all(message["confirmed"] for message in confirms(installation)), 20, "all confirmed")
    time.sleep(1)  # anything sent or handled twice would show by now
    handled = Counter((line[1], line[4]) for line in installation.handled())
    assert len(handled) == 1000
    assert set(handled.values()) == {1}
    when = {(line[1], line[4]): line[5] for line in installation.handled()}
    for message in confirms(installation):
        assert len(message["confirms"]) == 1
        assert message["confirmed"] >= when[message["platform"], message["id"]]
        assert len(message["deliveries"]) == 1
    by_account = Counter(line[2] for line in installation.handled())
    assert by_account == dict.fromkeys(QUEUES, 250)


def test_two_beats_poll_an_idle_account_no_more_often_than_one_would(installation: Installation) -> None:
    installation.configure(ACCOUNTS.replace("min = 0.2, max = 1", "min = 0.5, max = 0.5"))
    installation.worker()
    installation.beat("beat-1")
    installation.beat("beat-2")
    installation.until(lambda: len(installation.control.calls(last=1000)) >= 4, 30, "the first polls")
    start = time.time()
    time.sleep(5)
    calls = [call for call in installation.control.calls(last=1000) if start < call["time"] <= start + 5]
    polled: dict[Any, list[float]] = defaultdict(list)
    for call in calls:
        polled[call["platform"], call.get("group") or call.get("shop_id")].append(call["time"])
    assert len(polled) == 4
    assert all(3 <= len(times) <= 11 for times in polled.values()), polled
    for times in polled.values():
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert min(gaps) > 0.3


def test_a_killed_worker_loses_nothing(installation: Installation) -> None:
    slow = HANDLERS.replace('    note(message, "handled")', '    time.sleep(0.01)\n    note(message, "handled")')
    installation.configure(ACCOUNTS.replace("lease_seconds = 30", "lease_seconds = 6"), slow)
    publish(installation, 150)
    installation.worker()
    installation.beat()
    installation.until(lambda: len(installation.handled()) >= 150, 40, "some are handled")
    installation.kill("worker")
    installation.worker("worker-2")
    installation.until(lambda: len({(line[1], line[4]) for line in installation.handled()}) == 600, 60, "all handled")
    installation.until(lambda: all(message["confirmed"] for message in confirms(installation)), 30, "all confirmed")
    handled = Counter((line[1], line[4]) for line in installation.handled())
    assert sum(times - 1 for times in handled.values()) <= 3, "at most what ran when it was killed runs twice"


def test_secrets_and_content_stay_out_of_redis_keys_and_logs(installation: Installation) -> None:
    installation.configure(ACCOUNTS)
    content = {"tid": 1, "buyer_nick": "BUYER-OF-THIS-TEST", "note": "no json for you"}
    installation.control.publish(
        platform="taobao", messages=[{"topic": TOPIC, "content": content}, {"topic": TOPIC, "content": "BUYER-RAW"}]
    )
    installation.worker()
    installation.beat()
    installation.until(
        lambda: all(message["confirmed"] for message in confirms(installation)) and confirms(installation),
        40,
        "both confirmed",
    )
    logs = installation.logs()
    for hidden in ("BUYER", "helloworld", "test-token", "test-session"):
        assert hidden not in logs


def test_hostile_topics_ids_and_nicks_reach_logs_and_keys_escaped(installation: Installation, redis: Redis) -> None:
    installation.configure(ACCOUNTS)
    hostile = "\x1b[2J\n[2026-11-21 00:00:00.000: ERROR/MainProcess] forged \r\u202e<b>[red]../../"
    message = {"id": hostile + "x" * 5000, "topic": hostile * 3, "content": "{}", "user_nick": hostile}
    installation.control.publish(platform="qianmi", group="A854800", messages=[message])
    installation.control.publish(platform="taobao", messages=[{"topic": hostile, "content": "no json"}])
    installation.worker()
    installation.beat()
    installation.until(lambda: all(one["confirmed"] for one in confirms(installation)), 40, "both are confirmed")
    logs = installation.logs()
    assert not [line for line in logs.splitlines() if line.startswith("[2026-11-21 00:00:00.000")]
    assert "\x1b[2J" not in logs
    assert "\u202e" not in logs
    keys = [key for key in redis.scan_iter("tidings:*") if not key.startswith("tidings:_kombu")]
    assert all(key.isprintable() and len(key) < 200 for key in keys)


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_every_pool_does_the_job(installation: Installation, pool: str) -> None:
    installation.configure(ACCOUNTS)
    publish(installation, 30)
    installation.worker("worker", "-P", pool)
    installation.beat()
    installation.until(lambda: len(installation.handled()) >= 120, 60, "every message is handled")
    installation.until(lambda: all(message["confirmed"] for message in confirms(installation)), 20, "all confirmed")
