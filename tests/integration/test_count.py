"""The counter's task, on a real Valkey: what a reading makes of the account's next poll."""

import time
from pathlib import Path

import pytest
from redis import Redis

from tasks import count, runtime
from tasks.accounts import Account
from tasks.platforms import PlatformError, Reading, Unauthorised
from tasks.runtime import Stores
from tasks.store.pauses import Pause

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
[accounts.shop]
gateway = "tb"
session = "env:TB_SECRET"
poll = { min = 1, max = 300 }
[accounts.shop.counter]
topics = ["trade"]
every = 7
"""


class FakeCounter:
    """Answers from a list: numbers, or errors to raise."""

    def __init__(self, *answers: int | PlatformError) -> None:
        self.answers = list(answers)

    def count(self, account: Account) -> tuple[Reading, ...]:
        answer = self.answers.pop(0)
        if isinstance(answer, PlatformError):
            raise answer
        return (Reading("trade", answer), Reading("item", 0))


@pytest.fixture
def shop(tidings: Stores, tmp_path: Path) -> Stores:
    """One account with a counter, due to be polled in 100 s."""
    (tmp_path / "accounts.toml").write_text(ACCOUNTS)
    runtime.accounts_source.cache_clear()
    tidings.due.seed({"shop": 100})
    tidings.counts.seed({"shop": 0})
    return tidings


def read(monkeypatch: pytest.MonkeyPatch, *answers: int | PlatformError) -> None:
    fake = FakeCounter(*answers)
    monkeypatch.setattr(count, "client_for", lambda gateway: fake)
    for _ in range(len(answers)):
        count.count("shop")


def polls(redis: Redis) -> int:
    return int(redis.llen("tidings:consume"))


def due_in(stores: Stores) -> float:
    return stores.due.waits(["shop"])["shop"] - time.time()


def test_a_rise_polls_the_account_now(shop: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    read(monkeypatch, 3)
    assert polls(redis) == 1


def test_a_number_that_stays_polls_nothing_anew(shop: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    read(monkeypatch, 3, 3, 2)
    assert polls(redis) == 1
    read(monkeypatch, 4)
    assert polls(redis) == 2


def test_a_zero_lets_the_account_wait_as_long_as_it_may(
    shop: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(monkeypatch, 0)
    assert polls(redis) == 0
    assert 295 < due_in(shop) <= 300.1


def test_a_counter_that_cannot_be_read_leaves_the_account_to_plain_polling(
    shop: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.due.put("shop", 300, 4.0)
    read(monkeypatch, Unauthorised("session expired", remedy="renew it"))
    assert polls(redis) == 0
    assert 3 < due_in(shop) <= 4.1
    assert shop.pauses.get("shop", "tb") == (None, None), "messages need no session"


def test_the_counter_of_a_paused_account_is_not_read(shop: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    shop.pauses.put("account", "shop", Pause(now + 60, "by hand"), now=now)
    unread = FakeCounter(5)
    monkeypatch.setattr(count, "client_for", lambda gateway: unread)
    count.count("shop")
    assert unread.answers == [5]


def test_the_counter_is_read_again_after_its_own_time(shop: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    read(monkeypatch, 0)
    assert 6 < shop.counts.waits(["shop"])["shop"] - time.time() <= 7.1


def test_an_account_without_a_counter_is_left_alone(tidings: Stores) -> None:
    count.count("shop")
    assert tidings.counts.known() == set()
