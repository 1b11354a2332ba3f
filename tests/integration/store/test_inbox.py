"""The inbox: raw replies of a platform that never sends again, on a real Valkey."""

import pytest
from redis import Redis

from tasks.store.inbox import Inbox
from tasks.store.measures import MEASURES


@pytest.fixture
def inbox(redis: Redis) -> Inbox:
    return Inbox(redis)


def test_a_reply_is_handed_out_again_only_past_its_lease(inbox: Inbox) -> None:
    inbox.keep("shop", "b1", b"raw", 60)
    assert inbox.again("shop", 60) is None


def test_what_comes_back_is_what_was_stored_byte_for_byte(inbox: Inbox) -> None:
    body = bytes(range(256)) + "高墣旗舰店".encode()
    inbox.keep("shop", "b1", body, 0)
    kept = inbox.again("shop", 60)
    assert kept is not None
    assert (kept.batch, kept.body, kept.settled, kept.new) == ("b1", body, frozenset(), True)


def test_handing_out_starts_a_new_lease(inbox: Inbox) -> None:
    inbox.keep("shop", "b1", b"raw", 0)
    assert inbox.again("shop", 60) is not None
    assert inbox.again("shop", 60) is None


def test_what_is_crossed_off_is_counted_once_whoever_does_it_again(inbox: Inbox, redis: Redis) -> None:
    inbox.keep("shop", "b1", b"{}", 10)
    for receipts in (["0", "1"], ["1", "2"], ["2"]):
        inbox.settle("shop", "b1", receipts, counter="confirmed")
    inbox.settle("shop", "b1", ["3"])
    inbox.settle("shop", "b1", size=4)
    inbox.settle("shop", "b1", ["0"], counter="confirmed")
    assert redis.hgetall(MEASURES) == {"confirmed": "3"}


def test_it_comes_again_and_again_until_everything_in_it_is_settled(inbox: Inbox) -> None:
    inbox.keep("shop", "b1", b"raw", 0)
    assert inbox.settle("shop", "b1", size=3)
    assert inbox.settle("shop", "b1", ["0", "2"])
    kept = inbox.again("shop", 0)
    assert kept is not None
    assert kept.settled == {"0", "2"}
    assert not kept.new
    assert inbox.settle("shop", "b1", ["2"])
    assert not inbox.settle("shop", "b1", ["1"])
    assert inbox.again("shop", 0) is None
    assert inbox.waiting("shop") == 0


def test_an_empty_reply_leaves_at_once_and_nothing_behind(inbox: Inbox, redis: Redis) -> None:
    inbox.keep("shop", "b1", b"raw", 60)
    assert not inbox.settle("shop", "b1", size=0)
    assert redis.keys("tidings:*") == []


def test_a_reply_whose_size_nobody_learnt_stays(inbox: Inbox) -> None:
    inbox.keep("shop", "b1", b"raw", 0)
    assert inbox.settle("shop", "b1", ["0", "1"])
    assert inbox.waiting("shop") == 1


def test_settling_what_is_not_there_makes_nothing(inbox: Inbox, redis: Redis) -> None:
    assert not inbox.settle("shop", "gone", ["0"], size=2)
    assert redis.keys("tidings:*") == []


def test_replies_of_one_account_are_not_given_to_another(inbox: Inbox) -> None:
    inbox.keep("shop", "b1", b"raw", 0)
    assert inbox.again("shop-2", 60) is None
