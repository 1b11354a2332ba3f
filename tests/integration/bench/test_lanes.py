"""The benchmark's accounts against the sandbox: a lane that confirmed for another one would never come to its end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.sandbox.control import Control
from tests.bench.throughput import shop
from tests.bench.throughput.cases import Case, dealt, messages
from tests.bench.throughput.peers import bare
from tests.bench.throughput.stage import accounts

BATCH, LANES = 10, 3


@pytest.fixture
def lanes(sandbox: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """The ids that wait for each lane: two batches."""
    path = tmp_path / "accounts.toml"
    path.write_text(accounts(sandbox.url, BATCH, LANES))
    monkeypatch.setenv("TB_SECRET", "helloworld")
    monkeypatch.setenv("TIDINGS_ACCOUNTS", str(path))
    _forget()
    parts = dealt(list(messages(Case(batch=BATCH), 2 * BATCH * LANES)), BATCH, LANES)
    yield [sandbox.publish("taobao", part, group=shop.group(lane)) for lane, part in enumerate(parts, 1)]
    _forget()


def _forget() -> None:
    shop.accounts.cache_clear()
    shop.account.cache_clear()


def test_a_lane_pulls_and_confirms_what_is_its_accounts_own(sandbox: Control, lanes: list[list[str]]) -> None:
    items = shop.pull(2)
    assert [item.id for item in items] == lanes[1][:BATCH]
    assert shop.is_full(2, len(items))
    shop.confirm(3, [item.receipt for item in items])
    assert sandbox.summary()["total"]["confirmed"] == 0
    shop.confirm(2, [item.receipt for item in items])
    assert _confirmed(sandbox) == set(lanes[1][:BATCH])


def test_the_sums_and_the_ledger_have_all_lanes(sandbox: Control, lanes: list[list[str]]) -> None:
    for lane in range(1, LANES + 1):
        assert [bare.turn(lane) for _ in range(3)] == [True, True, False]
    assert sandbox.summary()["total"]["confirmed"] == 2 * BATCH * LANES
    assert _confirmed(sandbox) == {id_ for ids in lanes for id_ in ids}


def _confirmed(sandbox: Control) -> set[str]:
    return {row["id"] for row in sandbox.ledger("taobao") if row["confirmed"]}
