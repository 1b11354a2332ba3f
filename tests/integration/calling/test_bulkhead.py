"""One platform's calls in a lane: they hold a part of its places, and are told of once when they take long."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tasks.accounts import Account
from tasks.calling import bulkhead
from tasks.calling.errors import NotNow
from tasks.plumbing import lane as lanes
from tasks.rules.allowance import Api
from tasks.runtime import Stores


@pytest.fixture
def lane(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process is a lane of ten threads."""
    monkeypatch.setattr(lanes, "places", 10)
    bulkhead._platforms.clear()
    yield
    bulkhead._platforms.clear()


def hold(held: ExitStack, account: Account, api: Api) -> int:
    """Take as many places for one kind of call as there are; how many these are."""
    for number in range(100):
        try:
            held.enter_context(bulkhead.place(account, api))
        except NotNow:
            return number
    return 100


def test_a_platform_holds_a_part_of_the_places_and_frees_them(
    lane: None, tidings: Stores, account: Account, vshop: Account
) -> None:
    with bulkhead.place(vshop, "pull"):
        pass
    with ExitStack() as held:
        assert hold(held, account, "pull") == 8
        assert hold(held, account, "confirm") == 1
        with bulkhead.place(vshop, "pull"):
            pass
    with pytest.raises(ValueError, match="odd"), bulkhead.place(account, "pull"):
        raise ValueError("odd")
    with ExitStack() as held:
        assert hold(held, account, "pull") == 8


def test_a_platform_that_is_alone_holds_all_places_until_it_is_in_trouble(
    lane: None, tidings: Stores, account: Account, vshop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(bulkhead, "monotonic", lambda: now[0])
    with ExitStack() as held:
        for _ in range(10):
            held.enter_context(bulkhead.place(account, "pull"))
        now[0] += 15  # all are given up at once, and nobody has asked for a place meanwhile
    with ExitStack() as held:
        assert hold(held, account, "pull") == 6
        assert hold(held, account, "confirm") == 2
        with bulkhead.place(vshop, "pull"):
            pass
    now[0] += 61
    with ExitStack() as held:
        assert hold(held, account, "pull") == 8


def test_a_platform_that_does_not_answer_is_told_of_once(
    lane: None, tidings: Stores, account: Account, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [100.0]
    monkeypatch.setattr(bulkhead, "monotonic", lambda: now[0])
    with ExitStack() as held:
        for _ in range(6):
            held.enter_context(bulkhead.place(account, "pull"))
        now[0] += 5
        for _ in range(3):
            with pytest.raises(NotNow) as raised, bulkhead.place(account, "pull"):
                pass
            assert raised.value.wait >= account.poll.max / 2
    assert caplog.text.count("taobao at eco.taobao.com has not answered 6 calls yet") == 1


def test_a_process_that_is_no_lane_has_no_places_to_divide(tidings: Stores, account: Account) -> None:
    with ExitStack() as held:
        for _ in range(50):
            held.enter_context(bulkhead.place(account, "pull"))
