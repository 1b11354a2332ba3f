"""A Redis that takes connections and says nothing, as of a machine that has lost its disk or its network."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from httpx2 import Response
from redis import Redis

from tasks.commands.web import health
from tasks.runtime import Stores
from tests.integration.commands.web.conftest import OPERATOR, Browser, field

SCRAPE_SECONDS = 10.0
"""Prometheus gives up after so long by itself, and then knows of no Redis, but of a web process that is not there."""


@pytest.fixture
def hung(web: Stores, redis: Redis) -> Iterator[Callable[[], None]]:
    """Has Redis hang until the end."""
    pid = int(redis.info("server")["process_id"])
    health.client.cache_clear()
    yield lambda: os.kill(pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGCONT)


def test_machines_are_told_in_time_that_redis_hangs(hung: Callable[[], None]) -> None:
    browser = Browser()
    assert "tidings_redis_up 1.0" in browser.get("/metrics").text
    hung()
    for path, said in (("/metrics", "tidings_redis_up 0.0"), ("/readyz", "does not answer")):
        began = time.monotonic()
        assert said in browser.get(path).text
        assert time.monotonic() - began < SCRAPE_SECONDS / 2


def test_people_are_told_in_time_too_and_what_to_do(hung: Callable[[], None], operator: Browser) -> None:
    """A page took 17 s, and its form as long, to say that it could not be had."""
    csrf, stranger = operator.csrf, Browser()
    token = field(stranger.get("/login").text, "token")
    hung()
    form = {"token": token, "name": "Li", "password": OPERATOR, "next": "/"}
    asks: list[Callable[[], Response]] = [
        lambda: operator.get("/"),
        lambda: operator.send("/pause", {"csrf": csrf, "kind": "account", "name": "shop"}),
        lambda: stranger.send("/login", form),
    ]
    for ask in asks:
        began = time.monotonic()
        reply = ask()
        assert time.monotonic() - began < SCRAPE_SECONDS
        assert reply.status_code == 503
        assert "<code>celery -A tasks check</code>" in reply.text
