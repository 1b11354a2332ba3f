"""What `check` says of a Redis that cannot be had, and how often it asks."""

from collections.abc import Iterator

import pytest

from tasks import runtime
from tasks.commands.check.redis import absence
from tasks.commands.check.whose import whose
from tasks.runtime import Stores
from tasks.settings import settings
from tasks.store.connection import connect
from tests.integration.ending import Ending


@pytest.fixture
def port(tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ending]:
    """Where TIDINGS_REDIS_URL leads to: it ends every connection, as a port with TLS does that likes no certificate of ours."""
    with Ending(1_000) as port:
        monkeypatch.setenv("TIDINGS_REDIS_URL", port.url)
        for cached in (settings, connect, runtime.stores):
            cached.cache_clear()
        yield port


def test_one_that_ends_connections_is_asked_a_few_times_and_told_of_with_what_tls_may_want(port: Ending) -> None:
    assert whose() == ([], True)
    (found,) = absence()
    assert "takes connections, and then ends them" in found.text
    assert "rediss://" in found.todo
    assert "ssl_certfile=FILE" in found.todo
    assert port.taken <= 3
