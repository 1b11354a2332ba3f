"""The handlers that ship: a line of log for each message, which tells nothing of its buyer."""

import logging
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

import handlers.shipped
from handlers import Message, Unfit
from handlers.declaring.handler import Handler
from handlers.registry import registry
from handlers.topics import MODELS

BUYER = "private-buyer"
PUBLISHED = datetime(2022, 6, 13, 18, 8, 9, tzinfo=ZoneInfo("Asia/Shanghai"))


def shipped(topic: str) -> Handler:
    handler = next(each for each in registry if each.fallback and each.topic == topic)
    assert handler.function.__module__ == handlers.shipped.__name__
    return handler


def message(**values: object) -> Message:
    given = {"id": "7", "topic": "taobao_trade_TradeCreate", "account": "shop-1", "platform": "taobao", "content": "{}"}
    return Message(**{**given, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize("topic", sorted(MODELS))
def test_every_known_topic_is_logged_unless_someone_else_takes_it(topic: str) -> None:
    """As fallbacks, which give way."""
    handler = registry.find(topic)
    assert handler is not None
    assert handler.fallback


def test_a_message_is_one_line_without_its_content(caplog: pytest.LogCaptureFixture) -> None:
    """Account, topic, id and time; no buyer, although the message has one."""
    caplog.set_level(logging.INFO)
    content = f'{{"buyer_nick": "{BUYER}", "tid": 1}}'
    shipped("taobao_trade_*").call(message(content=content, user_nick=BUYER, published=PUBLISHED))
    assert [record.getMessage() for record in caplog.records] == [
        "shop-1 taobao_trade_TradeCreate 7 published 2022-06-13T18:08:09+08:00"
    ]


def test_control_characters_do_not_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A topic or an id comes from outside and must not write lines or colours of its own."""
    caplog.set_level(logging.INFO)
    shipped("qianmi_*").call(message(topic="qianmi_\x1b[2J\nfake line", id="\u202e7", published=None))
    assert [record.getMessage() for record in caplog.records] == [
        "shop-1 qianmi_\\x1b[2J\\nfake line \\u202e7 published unknown"
    ]


def test_content_that_is_no_object_is_kept_for_a_person(caplog: pytest.LogCaptureFixture) -> None:
    """It is buried instead of being confirmed unread."""
    with pytest.raises(Unfit, match="not JSON"):
        shipped("taobao_item_*").call(message(content=BUYER))
    assert caplog.records == []
