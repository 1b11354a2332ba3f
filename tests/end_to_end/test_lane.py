"""Polls and handlers of one plain worker: neither waits for the other, and the process of polls may die."""

import json
import os
import signal
import time

from redis import Redis

from tests.end_to_end.installation import HANDLERS, Installation

GATEWAYS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 60
[gateways.qm]
platform = "qianmi"
app_key = "10000001"
app_secret = "env:QM_SECRET"
url = "{url}"
"""
SHOP = """
[accounts.{name}]
gateway = "{gateway}"
group = "{name}"
poll = {{ min = 0.5, max = 1 }}
"""
LONG = (
    HANDLERS
    + """
@handles("long")
def on_long(content: dict, message: Message) -> None:
    note(message, "began")
    end = time.time() + 40
    while not os.path.exists(JOURNAL + ".go") and time.time() < end:
        time.sleep(0.05)
    note(message, "handled")
"""
)
PROCESSES = 3  # of an installation's worker


def publish(installation: Installation, group: str, number: int, topic: str = "t") -> list[str]:
    return installation.control.publish("taobao", [{"topic": topic, "content": {}}] * number, group=group)


def polls(installation: Installation, platform: str = "qianmi") -> int:
    apis = installation.control.summary()["apis"].get(platform, {})
    return sum(int(api["calls"]) for api in apis.values())


def handled(installation: Installation) -> list[str]:
    return [line[4] for line in installation.handled()]


def confirmed(installation: Installation) -> set[str]:
    return {message["id"] for message in installation.control.ledger("taobao") if message["confirmed"]}


def lane_of(installation: Installation) -> list[int]:
    """The process of polls, as `celery inspect stats` tells."""
    told = json.loads(installation.once("inspect", "stats", "--json", "--timeout", "5"))
    return [pid for stats in told.values() for pid in stats["lane"]["processes"]]


def test_neither_slow_polls_nor_long_handlers_hold_the_other_up(installation: Installation) -> None:
    slow = "".join(SHOP.format(name=f"s{n}", gateway="qm") for n in range(200))
    installation.configure(GATEWAYS + SHOP.format(name="shop", gateway="tb") + slow, LONG)
    installation.control.fault("qianmi", "slow", seconds=3, api="consume")
    ids = publish(installation, "shop", 60)
    installation.worker()
    installation.beat()
    installation.until(lambda: set(ids) <= confirmed(installation), 45, "messages, among polls that take 3 s each")
    long = publish(installation, "shop", PROCESSES, "long")
    installation.until(lambda: len(installation.handled("began")) == PROCESSES, 30, "every process has a handler")
    before = polls(installation)
    installation.until(lambda: polls(installation) > before + 100, 25, "polls, while every process has a handler")
    assert set(handled(installation)) == set(ids), "they run on"
    (installation.home / "journal.go").touch()
    installation.until(lambda: set(long) <= confirmed(installation), 20, "the long ones too")
    assert sorted(handled(installation)) == sorted([*ids, *long])


def test_the_process_of_polls_may_be_killed_and_a_stop_waits_for_it(installation: Installation, redis: Redis) -> None:
    names = [f"shop{n}" for n in range(6)]
    installation.configure(GATEWAYS + "".join(SHOP.format(name=name, gateway="tb") for name in names))
    installation.env |= {"TIDINGS_CONNECT_SECONDS": "1", "TIDINGS_READ_SECONDS": "2"}
    worker = installation.worker()
    installation.beat()
    installation.until(lambda: polls(installation, "taobao") > len(names), 30, "polls")
    installation.control.fault("taobao", "slow", seconds=1, api="confirm")
    first = [id_ for name in names for id_ in publish(installation, name, 20)]
    installation.until(lambda: len(handled(installation)) == len(first), 30, "all are handled, and being confirmed")
    (pid,) = lane_of(installation)
    os.kill(pid, signal.SIGKILL)
    installation.until(lambda: set(first) <= confirmed(installation), 20, "confirms begin anew at once")
    second = [id_ for name in names for id_ in publish(installation, name, 1)]
    installation.until(lambda: set(second) <= set(handled(installation)), 25, "polls go on")
    assert sorted(handled(installation)) == sorted([*first, *second])
    (another,) = lane_of(installation)
    assert another != pid
    began = time.monotonic()
    os.killpg(worker.pid, signal.SIGTERM)
    assert worker.wait(30) == 0
    assert time.monotonic() - began < 20
    assert not redis.hlen("tidings:unacked"), "nothing is left behind"


def test_a_platform_that_does_not_answer_holds_nobody_elses_polls_and_confirms(installation: Installation) -> None:
    slow = "".join(SHOP.format(name=f"s{n}", gateway="qm") for n in range(60))
    installation.configure(GATEWAYS + SHOP.format(name="shop", gateway="tb") + slow)
    installation.env |= {"TIDINGS_POLLS_AT_ONCE": "10"}
    installation.control.fault("qianmi", "slow", seconds=60)
    installation.worker()
    installation.beat()
    installation.until(lambda: polls(installation) >= 5, 30, "calls that are not answered")
    time.sleep(2)
    ids = publish(installation, "shop", 20)
    installation.until(lambda: set(ids) <= confirmed(installation), 30, "messages from the other platform")
    told = "more are put off, so that others are called"
    installation.until(
        lambda: told in installation.log("worker").read_text(), 30, "the warning, once a call has run for 3 s"
    )
