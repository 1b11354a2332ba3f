"""A reply that nobody sends again is offered to Redis until it takes it."""

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks.accounts import Account
from tasks.platforms import MalformedReply, Throttled
from tasks.pulling import keeping
from tasks.pulling.keeping import KeptReply
from tasks.runtime import Stores
from tasks.store.inbox import Inbox


def test_a_redis_that_refuses_for_a_while_gets_the_reply_in_the_end(
    vshop: Account, tidings: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "AGAIN_SECONDS", 0.01)
    tries = []
    keep = Inbox.keep

    def unsteady(self: Inbox, account: str, batch: str, body: bytes, lease: float) -> None:
        tries.append(batch)
        if len(tries) < 5:
            raise RedisConnectionError
        keep(self, account, batch, body, lease)

    monkeypatch.setattr(Inbox, "keep", unsteady)
    KeptReply(vshop, "b1")(b"body")
    assert len(tries) == 5
    assert tidings.inbox.waiting("vshop") == 1


def test_a_redis_that_never_takes_it_ends_the_wait_with_its_error(
    vshop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(keeping, "KEEP_SECONDS", 0.1)

    def refuse(*_: object) -> None:
        raise RedisConnectionError

    monkeypatch.setattr(Inbox, "keep", refuse)
    with pytest.raises(RedisConnectionError):
        KeptReply(vshop, "b1")(b"body")


@pytest.mark.parametrize(
    ("error", "letters"),
    [
        (MalformedReply("no JSON"), 1),
        (MalformedReply("unknown code", code="777"), 0),
        (Throttled("busy", seconds=1), 0),
    ],
)
def test_only_a_reply_that_may_hold_messages_is_kept_as_a_letter(
    vshop: Account, tidings: Stores, error: Throttled | MalformedReply, letters: int
) -> None:
    kept = KeptReply(vshop, "b1")
    kept(b"body")
    kept.refuse(error)
    assert tidings.inbox.waiting("vshop") == 0
    assert len(tidings.letters) == letters


def test_an_error_before_any_body_came_leaves_nothing(vshop: Account, tidings: Stores, redis: Redis) -> None:
    KeptReply(vshop, "b1").refuse(MalformedReply("too large"))
    assert redis.keys("tidings:*") == []


def test_a_server_with_an_append_only_file_tells_when_a_write_is_on_disk(tidings: Stores, redis: Redis) -> None:
    assert tidings.inbox.secure() is False
    redis.config_set("appendonly", "yes")
    try:
        assert tidings.inbox.secure() is True
    finally:
        redis.config_set("appendonly", "no")
