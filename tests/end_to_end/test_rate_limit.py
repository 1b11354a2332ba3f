"""A worker whose tasks Celery holds back, for a rate limit or for their time, leaves to others what it could not begin anyway."""

import pytest
from redis import Redis

from tasks import app
from tasks.names import HANDLE
from tests.end_to_end.installation import Installation

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 300
[accounts.shop]
gateway = "tb"
poll = { min = 0.1, max = 0.2 }
"""
PLACES = 2
DELAYED = 40


@pytest.mark.parametrize("stock", ["", "1"])
def test_a_rate_limit_leaves_messages_in_their_queue_also_beside_delayed_ones(
    installation: Installation, redis: Redis, stock: str
) -> None:
    installation.configure(ACCOUNTS)
    installation.env |= {"TIDINGS_STOCK": stock} if stock else {}
    installation.control.publish("taobao", [{"topic": "t", "content": {}}] * 60)
    installation.worker("worker", "-c", str(PLACES))
    installation.beat()
    installation.until(lambda: len(installation.handled()) == 60, 40, "the worker knows the topic as a quick one")
    installation.once("control", "rate_limit", HANDLE, "5/s")
    for _ in range(DELAYED):
        app.send_task(HANDLE, kwargs={"delivery": None}, countdown=120)
    installation.until(lambda: redis.hlen("tidings:unacked") >= DELAYED, 20, "the worker keeps what is delayed")
    installation.control.publish("taobao", [{"topic": "t", "content": {}}] * 300)
    held = list[int]()

    def watched() -> bool:
        held.append(int(redis.hlen("tidings:unacked")))
        return len(installation.handled()) >= 60 + 20

    installation.until(watched, 40, "what is delayed keeps nobody from being handled")
    assert int(redis.llen("tidings:handle")) >= 40
    few = DELAYED + 10 * PLACES
    assert max(held) <= few, "held: the delayed ones, one for each place, and what is about to be handed over"
