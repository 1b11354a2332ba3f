"""Handlers that raise what is no `Exception`, in every pool: each costs its own message only, and no place to run in."""

import json

import pytest
from redis import Redis

from tests.end_to_end.installation import HANDLERS, Installation

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 6
[accounts.shop]
gateway = "tb"
poll = { min = 0.1, max = 0.2 }
"""

ODD = """
import asyncio
from celery.exceptions import WorkerShutdown, WorkerTerminate

class Own(BaseException):
    pass

RAISED = {each.__name__: each for each in (
    asyncio.CancelledError, KeyboardInterrupt, GeneratorExit, SystemExit, Own, WorkerShutdown, WorkerTerminate, MemoryError,
)}

@handles("odd")
def on_odd(content: dict, message: Message) -> None:
    note(message, content["raises"])
    raise RAISED[content["raises"]]
"""

RAISED = (
    "CancelledError",
    "KeyboardInterrupt",
    "GeneratorExit",
    "SystemExit",
    "Own",
    "WorkerShutdown",
    "WorkerTerminate",
    "MemoryError",
)


@pytest.mark.parametrize("pool", ["prefork", "stock", "threads", "solo"])
def test_what_is_no_exception_is_tried_again_and_buried_in_every_pool(
    installation: Installation, redis: Redis, pool: str
) -> None:
    installation.configure(ACCOUNTS, HANDLERS + ODD)
    installation.env |= {"TIDINGS_MAX_DELIVERIES": "1", "TIDINGS_MAX_DEAD_RATIO": "1"}
    installation.env |= {"TIDINGS_STOCK": "1"} if pool == "stock" else {}
    odd = [{"topic": "odd", "content": {"raises": raised}} for raised in RAISED]
    bad = installation.control.publish("taobao", odd)
    worker = installation.worker("worker", *(("-P", pool) if pool in {"threads", "solo"} else ()), "-c", "2")
    installation.beat()
    installation.until(lambda: int(redis.hlen("tidings:letters")) == len(RAISED), 40, "each is buried")
    for raised in RAISED:
        tries = installation.handled(raised)
        assert len(tries) >= 2, f"{raised} is tried again"
    reasons = [json.loads(letter)["reason"] for letter in redis.hvals("tidings:letters")]
    blamed = {raised for raised in RAISED for reason in reasons if f"at last with {raised}" in reason}
    assert blamed == set(RAISED)
    good = installation.control.publish("taobao", [{"topic": "t", "content": {}}] * 4)
    wanted = {*bad, *good}
    installation.until(
        lambda: wanted <= {each["id"] for each in installation.control.ledger() if each["confirmed"]},
        30,
        "places are left for others, and all are confirmed",
    )
    assert worker.poll() is None
    assert all(f"failed: {raised}" in installation.logs() for raised in RAISED)
    assert "Traceback" not in installation.logs()
