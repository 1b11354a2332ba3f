"""Faults on demand: each kind does what it says, as often as it says, to those it names."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.sandbox.memory.faults import FaultSpec
from tests.unit.sandbox.sandbox_world import (
    CONFIRM,
    CONSUME,
    COUNT,
    QM_CONFIRM,
    World,
    qianmi_error,
    qianmi_items,
    top_error,
    top_items,
    vv_code,
)


@pytest.fixture
def world() -> World:
    """Three platforms at noon."""
    return World()


def delivered(world: World, platform: str) -> list[int]:
    """How often each message of the platform went out."""
    queues = [queue for app in world.state.apps() if app.spec.platform == platform for queue in app.queues.values()]
    return [len(entry.deliveries) for queue in queues for entry in queue.entries.values()]


def test_an_error_is_written_in_each_platforms_way(world: World) -> None:
    """Any code, sub code and text; the usual text when none is given."""
    world.fault("taobao", "error", code="15", sub_code="isp.remote-connection-error")
    world.fault("qianmi", "error", code="9", text="busy", sub_code="isv.x-service-error:1", sub_text="why")
    world.fault("vvtool", "error", code="202")
    assert top_error(world.top_call()) == (15, "isp.remote-connection-error")
    answer = world.qianmi_call()
    assert qianmi_error(answer) == ("9", "isv.x-service-error:1")
    assert json.loads(answer.body)["message"] == "busy"
    assert json.loads(world.vv_call().body)["msg"] == "系统错误,请稍后再试"


def test_a_count_is_used_up_call_by_call(world: World) -> None:
    """Then everything is as before."""
    world.fault("taobao", "error", code="10", count=2)
    assert [world.top_call().code for _ in range(3)] == ["10", "10", "ok"]


def test_a_share_hits_some_calls_the_same_ones_for_a_seed(world: World) -> None:
    """About as many as it says."""
    runs = []
    for _ in range(2):
        world.state.faults.clear()
        world.fault("taobao", "error", code="10", share=0.3, seed=7)
        runs.append([world.top_call().code for _ in range(200)])
    assert runs[0] == runs[1]
    assert 40 <= runs[0].count("10") <= 80


def test_a_share_with_a_count_ends_too(world: World) -> None:
    """The count counts hits."""
    world.fault("taobao", "error", code="10", share=0.5, count=3, seed=1)
    assert [world.top_call().code for _ in range(100)].count("10") == 3


@pytest.mark.parametrize(
    ("chooses", "calls"),
    [
        ({"api": "confirm"}, {"confirm"}),
        ({"api": "count"}, {"count"}),
        ({"group": "g1"}, {"g1"}),
        ({"group": "default"}, {"consume", "confirm", "count"}),
        ({"app": "12345678"}, {"consume", "confirm", "count", "g1"}),
        ({}, {"consume", "confirm", "count", "g1"}),
    ],
)
def test_a_fault_hits_only_whom_it_names(world: World, chooses: dict[str, str], calls: set[str]) -> None:
    """By API, group and app; never another platform."""
    world.fault("taobao", "error", code="10", **chooses)
    answers = {
        "consume": world.top_call(CONSUME),
        "confirm": world.top_call(CONFIRM, s_message_ids="1"),
        "count": world.top_call(COUNT, session="test-session", fields="number"),
        "g1": world.top_call(CONSUME, group_name="g1"),
    }
    assert {name for name, answer in answers.items() if answer.code == "10"} == calls
    assert world.qianmi_call().code == "ok"


def test_a_fault_can_name_a_shop_or_a_token(world: World) -> None:
    """The token is turned into the app's name at once."""
    world.fault("vvtool", "error", code="200", shop_id="124")
    assert [vv_code(world.vv_call(shop_id=shop)) for shop in ("123", "124")] == [0, 200]
    world.state.faults.clear()
    world.fault("vvtool", "error", code="200", app="test-token")
    assert vv_code(world.vv_call()) == 200
    with pytest.raises(ValueError, match="no such app"):
        world.fault("vvtool", "error", code="200", app="another")


def test_http_cut_and_garbage_keep_the_call_from_happening(world: World) -> None:
    """Nothing is delivered; the book says what happened."""
    world.publish("taobao")
    world.fault("taobao", "http", status=502, count=1)
    world.fault("taobao", "cut", count=1, api="confirm")
    assert (page := world.top_call()).status == 502
    assert page.body.startswith(b"<html>")
    assert world.top_call(CONFIRM, s_message_ids="1").cut
    for form in ("html", "bytes"):
        world.fault("taobao", "garbage", form=form, count=1)
        garbage = world.top_call()
        assert (garbage.code, garbage.status) == ("garbage", 200)
        with pytest.raises(ValueError, match=r"Expecting|codec"):
            json.loads(garbage.body)
    assert delivered(world, "taobao") == [0]
    assert [call["code"] for call in world.state.book.latest()] == ["http 502", "cut", "garbage", "garbage"]


@pytest.mark.parametrize(("kind", "params"), [("cut_after", {}), ("garbage", {"form": "truncated"})])
def test_a_lost_reply_leaves_the_call_done(world: World, kind: str, params: dict[str, Any]) -> None:
    """The message is delivered, on vvtool for ever."""
    for platform in ("taobao", "qianmi", "vvtool"):
        world.publish(platform)
        world.fault(platform, kind, count=1, **params)
    for answer in (world.top_call(), world.qianmi_call(), world.vv_call()):
        if not answer.cut:
            with pytest.raises(ValueError, match=r"Expecting|Unterminated|end"):
                json.loads(answer.body)
    assert [delivered(world, platform) for platform in ("taobao", "qianmi", "vvtool")] == [[1], [1], [1]]


def test_a_lost_confirm_has_confirmed(world: World) -> None:
    """The message does not come again although nobody was told so."""
    (id_,) = world.publish("qianmi")
    world.qianmi_call()
    world.fault("qianmi", "cut_after", api="confirm", count=1)
    assert world.qianmi_call(QM_CONFIRM, s_message_ids=id_).cut
    world.now += 600
    assert qianmi_items(world.qianmi_call()) == []


def test_an_ignored_confirm_is_a_success_without_effect(world: World) -> None:
    """The message comes again."""
    (taobao,), (qianmi,) = world.publish("taobao"), world.publish("qianmi")
    world.top_call()
    world.qianmi_call()
    world.fault("taobao", "ignore_confirm", count=1)
    world.fault("qianmi", "ignore_confirm", count=1)
    assert world.top_call(CONFIRM, s_message_ids=taobao).code == "ok"
    assert world.qianmi_call(QM_CONFIRM, s_message_ids=qianmi).code == "ok"
    world.now += 600
    assert len(top_items(world.top_call())) == len(qianmi_items(world.qianmi_call())) == 1


def test_slow_waits_after_the_call_took_effect(world: World) -> None:
    """Also when something else goes wrong with it."""
    world.publish("taobao")
    world.fault("taobao", "slow", seconds=2.5, count=2)
    assert world.top_call().delay == 2.5
    assert delivered(world, "taobao") == [1]
    world.fault("taobao", "http", count=1)
    assert ((answer := world.top_call()).delay, answer.status) == (2.5, 503)


def test_a_ban_outlives_its_fault_and_meets_every_caller_of_the_api(world: World) -> None:
    """Until its seconds are over; other APIs go on."""
    world.fault("taobao", "ban", seconds=30, sub_code="accesscontrol.limited-by-dynamic-access-count", count=1)
    error = json.loads(world.top_call(group_name="g1").body)["error_response"]
    assert (error["code"], error["sub_code"]) == (7, "accesscontrol.limited-by-dynamic-access-count")
    assert error["sub_msg"] == "This ban will last for 30 more seconds"
    world.now += 29.5
    assert json.loads(world.top_call().body)["error_response"]["sub_msg"].endswith("for 1 more seconds")
    assert world.top_call(CONFIRM, s_message_ids="1").code == "ok"
    world.now += 0.5
    assert world.top_call().code == "ok"


def test_a_ban_has_its_own_code_on_the_other_platforms(world: World) -> None:
    """37 and 202."""
    world.fault("qianmi", "ban", seconds=5, count=1)
    world.fault("vvtool", "ban", seconds=5, count=1)
    assert [world.qianmi_call().code for _ in range(2)] == ["37", "37"]
    assert [vv_code(world.vv_call()) for _ in range(2)] == [202, 202]


def test_expired_sessions_and_unauthorised_shops_have_each_platforms_code(world: World) -> None:
    """vv-tool's 302 carries a link."""
    for platform in ("taobao", "qianmi", "vvtool"):
        world.fault(platform, "expired_session", count=1)
    assert top_error(world.top_call()) == (27, "invalid-sessionkey")
    assert qianmi_error(world.qianmi_call())[0] == "21"
    assert vv_code(world.vv_call()) == 401
    for platform in ("taobao", "qianmi", "vvtool"):
        world.fault(platform, "unauthorised_shop", count=1)
    assert top_error(world.top_call())[0] == 12
    assert qianmi_error(world.qianmi_call())[0] == "3"
    answer = json.loads(world.vv_call().body)
    assert (answer["code"], list(answer["data"])) == (302, ["url"])


@pytest.mark.parametrize("platform", ["taobao", "qianmi", "vvtool"])
def test_a_duplicate_is_twice_in_one_reply(world: World, platform: str) -> None:
    """Faults of messages wait for a pull that brings some."""
    world.fault(platform, "duplicate", count=1)
    assert world.pull(platform) == []
    world.publish(platform, {"tid": 1}, {"tid": 2})
    first, again, second = world.pull(platform)
    assert first == again != second
    assert delivered(world, platform) == [2, 1]


def test_reorder_turns_the_reply_round(world: World) -> None:
    """And loses none."""
    ids = world.publish("taobao", {"tid": 1}, {"tid": 2}, {"tid": 3})
    world.fault("taobao", "reorder")
    assert [str(item["id"]) for item in top_items(world.top_call())] == ids[::-1]


def test_wrong_types_concern_the_first_message_only(world: World) -> None:
    """Text that is JSON becomes what it says, numbers become text."""
    for platform in ("taobao", "qianmi", "vvtool"):
        world.publish(platform, {"tid": 1}, {"tid": 2})
        world.fault(platform, "wrong_types", count=1)
    first, second = top_items(world.top_call())
    assert (first["content"], type(first["id"]), second["content"]) == ({"tid": 1}, str, '{"tid":2}')
    first, second = qianmi_items(world.qianmi_call())
    assert (first["content"], first["pub_app_key"], second["pub_app_key"]) == ({"tid": 1}, 10000001, "10000001")
    first, second = world.pull("vvtool")
    assert (type(first["id"]), type(first["msg_data"]), type(second["msg_data"])) == (str, dict, str)


@pytest.mark.parametrize("platform", ["taobao", "qianmi", "vvtool"])
def test_undecodable_breaks_the_text_of_one_message(world: World, platform: str) -> None:
    """The reply around it stays good JSON."""
    world.publish(platform, {"tid": 1}, {"tid": 2})
    world.fault(platform, "undecodable", count=1)
    first, second = (item.get("msg_data") or item["content"] for item in world.pull(platform))
    with pytest.raises(ValueError, match=r"delimiter|Expecting"):
        json.loads(first)
    assert json.loads(second)


def test_raw_control_characters_are_taobaos_quirk(world: World) -> None:
    """Strict JSON refuses the reply; read leniently, the event means the same."""
    world.publish("taobao", {"tid": 1})
    world.fault("taobao", "raw_control_chars", count=1)
    body = world.top_call().body
    with pytest.raises(ValueError, match="control character"):
        json.loads(body)
    world.now += 360
    world.fault("taobao", "raw_control_chars", count=1)
    assert b'{\n\t"tid' in world.top_call(format="xml").body
    (item,) = json.loads(body, strict=False)["tmc_messages_consume_response"]["messages"]["tmc_message"]
    assert json.loads(item["content"]) == {"tid": 1}


def test_a_confirmed_vvtool_message_keeps_no_text(world: World) -> None:
    """What can never be sent again costs no memory."""
    world.publish("vvtool")
    world.vv_call()
    app = world.state.named("vvtool", None)
    assert [entry.wire for entry in app.queues["123"].entries.values()] == [b""]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "error"}, "needs the platform's code"),
        ({"kind": "explode"}, "Input should be"),
        ({"kind": "cut", "share": 1.5}, "less than or equal to 1"),
        ({"kind": "cut", "count": 0}, "greater than or equal to 1"),
        ({"kind": "cut", "colour": "red"}, "not permitted"),
        ({"kind": "raw_control_chars", "platform": "qianmi"}, "only taobao"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(fault: dict[str, Any], reason: str) -> None:
    """With the reason."""
    with pytest.raises(ValidationError, match=reason):
        FaultSpec.model_validate({"platform": "taobao", **fault})
