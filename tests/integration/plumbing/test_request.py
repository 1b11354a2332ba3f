"""What of a task the worker's main process looks into: nothing, unless it is asked."""

import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from celery.worker.request import Request
from kombu.utils.json import dumps, loads
from redis import Redis

from tasks import app, clock
from tasks.handle import handle
from tasks.plumbing.request import DiscreetRequest, PlainRequest
from tasks.plumbing.transport.channel import Channel
from tasks.plumbing.transport.undecoded import Undecoded, UndecodedMessage
from tasks.runtime import Stores

SAME = [
    "id",
    "name",
    "type",
    "task_id",
    "task_name",
    "root_id",
    "parent_id",
    "args",
    "kwargs",
    "argsrepr",
    "kwargsrepr",
    "body",
    "content_type",
    "content_encoding",
    "eta",
    "expires",
    "time_limits",
    "ignore_result",
    "reply_to",
    "correlation_id",
    "group",
    "group_index",
    "chord",
    "errbacks",
    "groups",
    "delivery_info",
    "hostname",
    "utc",
    "stamps",
    "replaced_task_nesting",
    "store_errors",
]
CALLBACK = {"task": "tidings.confirm", "args": [], "kwargs": {}, "options": {}}


@pytest.fixture
def channel(tidings: Stores, valkey: str) -> Iterator[Channel]:
    with app.connection_for_read() as connection:
        made: Any = connection.channel()
        yield made


@pytest.fixture
def text(tidings: Stores, redis: Redis) -> Any:
    """What the broker holds of a handle task with everything that one can have."""
    delivery = {"account": "shop", "topic": "t", "id": "1", "content": "BUYER"}
    handle.apply_async(
        kwargs={"delivery": delivery},
        countdown=60,
        expires=600,
        time_limit=9,
        soft_time_limit=8,
        group_id="g",
        group_index=3,
        chord=CALLBACK,
        link_error=handle.s(delivery={}),
        ignore_result=True,
    )
    return loads(redis.lrange("tidings:handle", 0, -1)[0])


def request_of(cls: type[Request], message: Any) -> Any:
    """As Celery's strategy makes it."""
    return cls(
        message, app=app, hostname="h", task=app.tasks["tidings.handle"], body=message.body, headers=message.headers
    )


def test_it_tells_what_celerys_own_tells(channel: Channel, text: Any) -> None:
    clock.unfollow()  # whose times are by the machine's clock
    ours, theirs = (
        request_of(PlainRequest, UndecodedMessage(text, channel)),
        request_of(Request, UndecodedMessage(text, channel)),
    )
    for name in SAME:
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours._context.__dict__ == theirs._context.__dict__
    assert str(ours) == str(theirs)


@pytest.mark.parametrize("cls", [PlainRequest, DiscreetRequest])
@pytest.mark.parametrize(("sender", "receiver"), [(0, 25), (25, 0), (-120, 120), (3600, -3600)])
def test_a_countdown_is_as_long_whatever_the_clocks_of_sender_and_receiver_say(
    channel: Channel, redis: Redis, cls: type[Request], sender: float, receiver: float
) -> None:
    """Both know how far theirs is off; Celery's timer goes by the receiver's, and so does `expires`."""
    true = time.time()
    with time_machine.travel(true + sender, tick=False):
        clock.follow(-sender)
        handle.apply_async(kwargs={"delivery": {}}, countdown=7, expires=10)
    with time_machine.travel(true + receiver, tick=False):
        clock.follow(-receiver)
        request = request_of(cls, UndecodedMessage(loads(redis.lrange("tidings:handle", 0, -1)[0]), channel))
        assert request.eta.timestamp() - time.time() == pytest.approx(7, abs=0.01)
        assert not request.revoked()
    with time_machine.travel(true + receiver + 11, tick=False):
        assert request.revoked()


def test_what_goes_to_the_pool_is_the_same_for_the_pool(channel: Channel, text: Any) -> None:
    """There the arguments are set from the body."""
    ours, theirs = (
        request_of(PlainRequest, UndecodedMessage(text, channel)),
        request_of(Request, UndecodedMessage(text, channel)),
    )
    assert {**ours.request_dict, "args": None, "kwargs": None} == {**theirs.request_dict, "args": None, "kwargs": None}
    assert "BUYER" not in dumps(ours.request_dict)
    assert "BUYER" in dumps(theirs.request_dict), "or there is no use in it any more"


def test_the_arguments_are_not_decoded_before_they_are_asked_for(channel: Channel, text: Any) -> None:
    message = UndecodedMessage(text, channel)
    with patch.object(UndecodedMessage, "decode", side_effect=AssertionError):
        made = request_of(PlainRequest, message)
        assert "args" not in message.payload
    assert made.kwargs["delivery"]["content"] == "BUYER"


@pytest.mark.parametrize("cls", [PlainRequest, DiscreetRequest])
def test_what_is_shown_of_a_task_holds_none_of_its_content(channel: Channel, text: Any, cls: type[Request]) -> None:
    made = request_of(cls, UndecodedMessage(text, channel))
    assert "BUYER" not in repr(made.info())
    assert "BUYER" not in repr(made.info(safe=False))
    assert "'id': '1'" in made.info()["kwargs"]


def test_a_body_that_cannot_be_decoded_is_left_to_the_pool(channel: Channel, text: Any) -> None:
    made = request_of(PlainRequest, UndecodedMessage({**text, "body": "AAAA"}, channel))
    assert (made.args, made.kwargs, made.chord) == ((), {}, None)


@pytest.mark.parametrize("headers", [{}, {"task": "tidings.handle", "id": "1"}])
def test_a_message_of_celerys_old_kind_is_told_apart(channel: Channel, text: Any, headers: dict[str, Any]) -> None:
    text["properties"]["body_encoding"] = None
    body = dumps({"task": "tidings.handle", "id": "1", "args": ["a"], "kwargs": {}})
    message = UndecodedMessage({**text, "body": body, "headers": headers}, channel)
    assert "args" in message.payload
    assert message.payload["args"] == ["a"]
    made = PlainRequest(
        message,
        app=app,
        task=app.tasks["tidings.handle"],
        body=(["a"], {}, {}),
        headers={"task": "t", "id": "1"},
        decoded=True,
    )
    assert (made.args, made.kwargs, made.body) == (["a"], {}, (["a"], {}, {}))


def test_other_messages_are_decoded_as_ever(channel: Channel, text: Any) -> None:
    text["properties"]["body_encoding"] = None
    message = UndecodedMessage({**text, "body": dumps({"method": "ping"}), "headers": {}}, channel)
    assert message.payload == {"method": "ping"}
    assert not isinstance(message.payload, Undecoded)
