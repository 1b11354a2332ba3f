"""A worker that calls platforms and has never read accounts: each of its polls fails, so it counts as one that does not work."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import app
from tasks.plumbing import pulse
from tasks.runtime import Stores, accounts_source
from tests.integration.conftest import ACCOUNTS


@pytest.fixture
def accounts(tidings: Stores, tmp_path: Path) -> Iterator[Path]:
    """The accounts file, which cannot be used; what a test notes of it ends with it."""
    (tmp_path / "accounts.toml").write_text("[gateways.tb")
    accounts_source.cache_clear()
    yield tmp_path / "accounts.toml"
    pulse._knows_accounts[:] = [True]


def known() -> bool:
    pulse.look_for_accounts()
    (found,) = pulse._knows_accounts
    return found


def test_it_does_not_work_until_its_file_is_mended_and_then_whatever_becomes_of_that(accounts: Path) -> None:
    assert not known()
    accounts.write_text(ACCOUNTS)
    end = time.monotonic() + 10
    while not known():
        assert time.monotonic() < end
        time.sleep(0.1)
    accounts.write_text("[gateways.tb")
    assert known()


@pytest.mark.usefixtures("accounts")
def test_one_that_calls_no_platform_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.amqp.queues, "_consume_from", {"handle": app.amqp.queues["handle"]})
    assert known()
