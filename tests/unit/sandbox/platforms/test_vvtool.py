"""The simulated vv-tool: what it refuses, what it takes for ever, what it costs."""

import json
from typing import Any

import pytest

from tasks.sandbox.memory.apps import AppSpec
from tasks.sandbox.memory.exchange import Answer
from tests.unit.sandbox.sandbox_world import NOON, World, vv_code, vv_items


@pytest.fixture
def world() -> World:
    """Three platforms at noon."""
    return World()


def data(answer: Answer) -> Any:
    return json.loads(answer.body)["data"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"verb": "GET", "token": "old"}, 404),
        ({"path": "/tool/erps/tbconfirm", "token": "old"}, 404),
        ({"token": "old", "shop_id": None}, 401),
        ({"token": "", "shop_id": None}, 401),
        ({"shop_id": None}, 100),
        ({"shop_id": ""}, 100),
        ({"quantity": "9"}, 100),
        ({"quantity": "201"}, 100),
        ({"quantity": "many"}, 100),
        ({"vvtype": "4"}, 100),
        ({"vvtype": "0"}, 100),
        ({"quantity": "10", "vvtype": "3", "msg_type": "taobao_trade_TradeSellerShip"}, 0),
    ],
)
def test_what_is_wrong_is_refused_with_the_documented_code(world: World, wrong: dict[str, Any], code: int) -> None:
    """HTTP status 200 whatever the code, and no data."""
    answer = world.vv_call(**wrong)
    assert (vv_code(answer), answer.status) == (code, 200)
    assert code == 0 or data(answer) == []


@pytest.mark.parametrize(
    ("wrong", "status"), [({"verb": "GET"}, 404), ({"token": "old"}, 401), ({"shop_id": None}, 200), ({}, 200)]
)
def test_codes_become_http_statuses_when_switched_so(world: World, wrong: dict[str, Any], status: int) -> None:
    """Only those that are HTTP's own."""
    world.switch(vvtool_http_status=True)
    assert world.vv_call(**wrong).status == status


def test_the_eleventh_call_of_a_second_is_refused(world: World) -> None:
    """Ten a second are documented; code 202, or HTTP 429 when switched so."""
    assert [vv_code(world.vv_call()) for _ in range(11)] == [0] * 10 + [202]
    world.switch(vvtool_http_status=True)
    assert world.vv_call().status == 429
    world.now += 1
    assert vv_code(world.vv_call()) == 0


def test_a_message_is_json_in_json_in_json_and_ascii(world: World) -> None:
    """The shape that PHP writes: nested escapes, Chinese as \\uXXXX at every level."""
    (id_,) = world.publish("vvtool", {"tid": 1588826713157361977, "buyer_nick": "雨洁"})
    answer = world.vv_call()
    (item,) = json.loads(answer.body)["data"]["msg"]
    inner = json.loads(item["msg_data"])
    assert item["id"] == 1
    assert inner == {
        "content": '{"tid":1588826713157361977,"buyer_nick":"\\u96e8\\u6d01"}',
        "id": int(id_),
        "pub_app_key": "12421314",
        "pub_time": NOON,
        "topic": "taobao_trade_TradeBuyerPay",
        "user_id": 3293576715,
        "user_nick": "sandbox seller",
    }
    assert answer.body.isascii()
    assert rb"\\\"buyer_nick\\\":\\\"\\\\u96e8\\\\u6d01\\\"" in answer.body


def test_a_message_is_utf8_when_switched_so(world: World) -> None:
    """For what is published from then on."""
    world.switch(vvtool_raw_utf8=True)
    world.publish("vvtool", {"buyer_nick": "雨洁"})
    answer = world.vv_call()
    assert "雨洁".encode() in answer.body
    assert json.loads(vv_items(answer)[0]["content"]) == {"buyer_nick": "雨洁"}


def test_what_was_pulled_never_comes_again(world: World) -> None:
    """There is no lease and no confirm."""
    world.publish("vvtool", {"tid": 1})
    assert len(vv_items(world.vv_call())) == 1
    world.now += 86_000
    assert vv_items(world.vv_call()) == []


def test_shops_and_topics_are_told_apart(world: World) -> None:
    """A topic is taken as one name."""
    world.publish("vvtool", {"tid": 1}, topic="a")
    world.publish("vvtool", {"tid": 2}, topic="b")
    assert vv_items(world.vv_call(shop_id="124")) == []
    assert vv_items(world.vv_call(msg_type="a,b")) == []
    assert [item["topic"] for item in vv_items(world.vv_call(msg_type="b"))] == ["b"]
    assert [item["topic"] for item in vv_items(world.vv_call())] == ["a"]


@pytest.mark.parametrize(
    ("switch", "expected"),
    [
        ("msg", {"msg": [], "withholding_money": 0}),
        ("list", []),
        ("null", None),
        ("absent", {"withholding_money": 0}),
    ],
)
def test_an_empty_queue_can_be_answered_in_four_ways(world: World, switch: str, expected: object) -> None:
    """An empty `msg` by default; PHP back ends write the others."""
    world.switch(vvtool_empty=switch)
    assert data(world.vv_call()) == expected


def test_only_pulls_that_bring_messages_cost_points(world: World) -> None:
    """One each; prices are switches."""
    world.publish("vvtool", *({"tid": n} for n in range(15)))
    assert data(world.vv_call(quantity="10"))["withholding_money"] == 1
    assert data(world.vv_call())["withholding_money"] == 1
    assert data(world.vv_call())["withholding_money"] == 0
    world.switch(vvtool_price=7, vvtool_price_empty=3)
    world.publish("vvtool")
    assert [data(world.vv_call())["withholding_money"] for _ in range(2)] == [7, 3]
    app = world.state.named("vvtool", None)
    assert app.points_charged == 12


def test_the_price_is_left_out_when_switched_so(world: World) -> None:
    """As resellers do."""
    world.switch(vvtool_shows_price=False)
    world.publish("vvtool")
    assert set(data(world.vv_call())) == {"msg"}


def test_spent_points_refuse_until_midnight_in_gmt8(world: World) -> None:
    """Code 204, whose other meaning differs by text only; nothing is taken meanwhile."""
    world.state.set_app(AppSpec(platform="vvtool", token="test-token", points_per_day=1))
    world.publish("vvtool", *({"tid": n} for n in range(20)))
    assert len(vv_items(world.vv_call(quantity="10"))) == 10
    refused = json.loads(world.vv_call().body)
    assert (refused["code"], "次数不足" in refused["msg"]) == (204, True)
    world.now += 12 * 3600
    assert len(vv_items(world.vv_call())) == 10


def test_a_spent_day_of_calls_is_204_too(world: World) -> None:
    """Empty calls count as calls."""
    world.state.set_app(AppSpec(platform="vvtool", token="test-token", calls_per_day=1))
    assert [vv_code(world.vv_call()) for _ in range(2)] == [0, 204]


def test_a_shop_without_authorisation_is_302_with_a_link(world: World) -> None:
    """All shops are authorised unless the app names them."""
    world.state.set_app(AppSpec(platform="vvtool", token="test-token", shops=("123",)))
    assert vv_code(world.vv_call()) == 0
    answer = world.vv_call(shop_id="124")
    assert vv_code(answer) == 302
    assert "124" in data(answer)["url"]


def test_an_id_may_repeat_under_another_topic(world: World) -> None:
    """But not under the same."""
    for topic in ("a", "b"):
        world.state.publish(_publication(topic))
    with pytest.raises(ValueError, match="taken already"):
        world.state.publish(_publication("a"))
    assert {(item["id"], item["topic"]) for item in vv_items(world.vv_call())} == {(7, "a"), (7, "b")}


def _publication(topic: str) -> Any:
    from tasks.sandbox.memory.state import Publication

    messages = [{"id": "7", "topic": topic, "content": "{}"}]
    return Publication.model_validate({"platform": "vvtool", "shop_id": "123", "messages": messages})


@pytest.mark.parametrize("asked", ["TradeCreate", "taobao_trade_TradeCreate"])
def test_a_topic_may_be_asked_for_in_both_ways_that_the_page_writes_it(world: World, asked: str) -> None:
    for number, topic in enumerate(("TradeCreate", "taobao_trade_TradeCreate", "taobao_trade_TradeClose")):
        world.publish("vvtool", {"tid": number}, topic=topic)
    found = [item["topic"] for item in vv_items(world.vv_call(msg_type=asked))]
    assert found == ["TradeCreate", "taobao_trade_TradeCreate"]
    assert vv_items(world.vv_call(msg_type=asked)) == []
