"""The counter's task, on a real Valkey: what a reading makes of the account's next poll."""

import time
from pathlib import Path

import pytest
from redis import Redis

from tasks import count, runtime, sending
from tasks.accounts import Account
from tasks.platforms import PlatformError, Reading, Transient, Unauthorised
from tasks.rules.circuit_breaker import Pause
from tasks.runtime import Stores
from tasks.store.seen import Seen

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
    """One account with a counter, pulled without success 40 s ago and due to be polled in 100 s."""
    (tmp_path / "accounts.toml").write_text(ACCOUNTS)
    runtime.accounts_source.cache_clear()
    tidings.due.seed({"shop": 100})
    tidings.counts.seed({"shop": 0})
    tidings.seen.put("shop", Seen(at=time.time() - 40, interval=64))
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
    read(monkeypatch, 3, 3, 3)
    assert polls(redis) == 1
    read(monkeypatch, 4)
    assert polls(redis) == 2


def test_a_number_that_stays_keeps_plain_polling_from_nothing(shop: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    read(monkeypatch, 3)
    shop.due.put("shop", 5)  # as after a pull that has failed, or brought only a part
    read(monkeypatch, 3, 3)
    assert due_in(shop) <= 5


def test_a_number_that_falls_but_not_to_zero_polls_the_account_soon(
    shop: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(monkeypatch, 3)
    shop.due.put("shop", 100)
    read(monkeypatch, 2)
    assert polls(redis) == 1
    assert due_in(shop) <= 1


def test_a_zero_lets_the_account_wait_for_its_longest_interval_since_the_last_pull(
    shop: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):  # readings that follow each other do not put the poll off for ever
        read(monkeypatch, 0)
        assert polls(redis) == 0
        assert 250 < due_in(shop) <= 260


def test_a_zero_keeps_nobody_waiting_for_longer_than_that_whatever_the_clock_said_at_the_last_pull(
    shop: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.seen.put("shop", Seen(at=time.time() + 8 * 3600))
    read(monkeypatch, 0)
    assert due_in(shop) <= 300


def test_a_zero_makes_no_poll_earlier(shop: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.due.put("shop", 900)
    read(monkeypatch, 0)
    assert due_in(shop) > 800


@pytest.mark.parametrize("seen", [None, Seen(at=1.0)], ids=["never pulled", "pulled long ago"])
def test_a_zero_does_not_keep_an_account_waiting_that_is_to_be_pulled_anyway(
    shop: Stores, monkeypatch: pytest.MonkeyPatch, seen: Seen | None
) -> None:
    shop.seen.forget(["shop"])
    if seen:
        shop.seen.put("shop", seen)
    shop.due.put("shop", 2)
    read(monkeypatch, 0)
    assert due_in(shop) <= 2


def test_a_counter_that_cannot_be_read_leaves_the_account_to_plain_polling(
    shop: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.due.put("shop", 260)
    read(monkeypatch, Transient("cut"))
    assert polls(redis) == 0
    assert 14 < due_in(shop) <= 24
    assert shop.pauses.get("shop", "tb") == (None, None), "messages need no session"


@pytest.mark.parametrize(
    ("error", "seconds"), [(Transient("cut"), 7), (Unauthorised("session expired", remedy="renew it"), 60)]
)
def test_a_refused_counter_is_asked_again_less_often_than_one_that_failed(
    shop: Stores, monkeypatch: pytest.MonkeyPatch, error: PlatformError, seconds: float
) -> None:
    read(monkeypatch, error)
    assert seconds - 5 < shop.counts.waits(["shop"])["shop"] - time.time() <= seconds


def test_a_rise_that_a_killed_worker_found_is_found_again(
    shop: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = sending.consume

    def killed(account: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sending, "consume", killed)
    with pytest.raises(KeyboardInterrupt):
        read(monkeypatch, 3)
    monkeypatch.setattr(sending, "consume", sent)
    read(monkeypatch, 3)
    assert polls(redis) == 1


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
