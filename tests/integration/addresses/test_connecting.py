"""Every spelling of an address is connected to for real, for state, broker and results."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests import ready
from tests.integration.addresses.servers import DATABASE, PASSWORD, SENTINEL_PASSWORD, USER, Servers, servers

TLS = pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl to make a certificate with")
SECRETS = [form for secret in (PASSWORD, SENTINEL_PASSWORD) for form in (secret, quote(secret, safe=""), repr(secret))]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with servers(tmp_path_factory.mktemp("a")) as started:
        yield started


def probe(**environment: str) -> dict[str, Any]:
    """What `probe.py` finds with these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
    probe_py = Path(__file__).with_name("probe.py")
    done = ready.run([str(probe_py)], probe_py.parent, {**kept, **environment})
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    for secret in SECRETS:
        assert secret not in done.stdout + done.stderr + str(found)
    return found


@pytest.mark.parametrize(
    "dialect",
    [
        "tcp",
        "unix",
        "socket",
        "sentinel",
        *(pytest.param(each, marks=TLS) for each in ("tls", "tls-celery", "tls-redis")),
    ],
)
def test_state_broker_and_results_log_in_with_user_quoted_password_and_database(running: Servers, dialect: str) -> None:
    found = probe(TIDINGS_REDIS_URL=running.addresses[dialect])
    assert (found["state"], found["broker"], found["results"]) == ([USER, DATABASE],) * 3
    assert (found["sent"], found["kept"]) == (1, "well")
    assert found["contexts"] <= 2, "connections share what is read of authorities, for a minute"


@pytest.mark.parametrize(("state", "broker"), [("tcp", "unix"), ("unix", "sentinel"), ("sentinel", "tcp")])
def test_the_broker_may_be_reached_another_way_with_celery_s_own_transport_too(
    running: Servers, state: str, broker: str
) -> None:
    urls = {"TIDINGS_REDIS_URL": running.addresses[state], "TIDINGS_BROKER_URL": running.addresses[broker]}
    found = probe(**urls, TIDINGS_STOCK="1")
    assert (found["state"], found["broker"], found["results"]) == ([USER, DATABASE],) * 3
    assert found["sent"] == 1


@TLS
def test_a_certificate_is_verified_unless_it_is_said_otherwise(running: Servers) -> None:
    with pytest.raises(AssertionError, match="CERTIFICATE_VERIFY_FAILED"):
        probe(TIDINGS_REDIS_URL=f"rediss://localhost:{running.tls}/0")
