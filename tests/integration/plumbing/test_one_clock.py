"""The record of what workers have in hand is kept and looked through by the clock that all machines share."""

import json
import time
from typing import Any

import pytest
import time_machine
from kombu.transport import redis as kombu_redis
from redis import Redis

from tasks import app, clock
from tasks.plumbing.one_clock import share_clock
from tasks.runtime import Stores

MESSAGE = {"body": "W10=", "headers": {}, "properties": {"delivery_info": {}}}


@pytest.mark.parametrize("off", [3600, -3600])
def test_messages_in_hand_come_again_when_their_time_is_over_whatever_this_machines_clock_says(
    tidings: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch, off: int
) -> None:
    monkeypatch.setattr(kombu_redis, "time", time.time)  # put back at the end
    share_clock()
    over = app.conf.broker_transport_options["visibility_timeout"]  # of whatever accounts the application was made with
    for tag, age in (("fresh", 1), ("old", over + 60)):
        redis.zadd("tidings:unacked_index", {tag: time.time() - age})
        redis.hset("tidings:unacked", tag, json.dumps([MESSAGE, "", "handle"]))
    with time_machine.travel(time.time() + off), app.connection_for_read() as connection:
        clock.follow(-off)
        channel: Any = connection.channel()
        channel.qos.restore_visible(interval=1)
    assert redis.hkeys("tidings:unacked") == ["fresh"]
    assert redis.llen("tidings:handle") == 1
