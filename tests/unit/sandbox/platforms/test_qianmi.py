"""The simulated Qianmi gateway: checks in order, APIs, envelopes."""

import json
import re
from typing import Any

import pytest

from tasks.sandbox.memory.apps import AppSpec
from tasks.sandbox.memory.exchange import Call
from tasks.sandbox.platforms.respond import respond
from tests.unit.sandbox.sandbox_world import NOON, QM_CONFIRM, QM_CONSUME, World, qianmi_error, qianmi_items


@pytest.fixture
def world() -> World:
    """Three platforms at noon."""
    return World()


@pytest.mark.parametrize(
    ("params", "sign"),
    [
        ({"method": QM_CONSUME, "quantity": "50"}, "CBFDA3F68EC0F16335FAF96274E1A2261B024E00"),
        ({"method": QM_CONSUME, "quantity": "50", "group_name": ""}, "CBFDA3F68EC0F16335FAF96274E1A2261B024E00"),
        (
            {
                "method": QM_CONFIRM,
                "access_token": "test-token",
                "s_message_ids": "MU20150428094534689,MU20150428094534690",
            },
            "DB76EA5576D8E0295ED1F91F5457ED83C8CDF07D",
        ),
    ],
)
def test_a_call_signed_elsewhere_is_taken(world: World, params: dict[str, str], sign: str) -> None:
    """Vectors Q1, Q4 and Q2, as whole calls."""
    system = {"appKey": "10000001", "v": "1.1", "format": "json", "timestamp": NOON}
    assert respond(world.qianmi, Call("GET", "/api", {**system, **params, "sign": sign}, world.now)).code == "ok"


@pytest.mark.parametrize(
    ("wrong", "code", "sub_code"),
    [
        ({"appKey": None, "method": None}, "22", ""),
        ({"appKey": "1", "method": None}, "23", ""),
        ({"method": "qianmi.qmcs.user.permit", "v": None}, "20", ""),
        ({"method": "qianmi.qmcs.user.permit", "access_token": "old", "v": None}, "21", ""),
        ({"method": None, "v": None}, "26", ""),
        ({"method": "qianmi.items.get", "v": None}, "27", ""),
        ({"v": None, "sign": None}, "28", ""),
        ({"v": "1.0", "sign": None}, "30", ""),
        ({"sign": None, "verb": "PUT"}, "24", ""),
        ({"sign": "00", "verb": "PUT"}, "25", ""),
        ({"secret": "another", "verb": "PUT"}, "25", ""),
        ({"verb": "PUT", "format": "xml"}, "5", ""),
        ({"format": "xml", "timestamp": None}, "31", ""),
        ({"timestamp": None, "quantity": "0"}, "32", "isv.missing-parameter:timestamp"),
        ({"timestamp": "2016-01-01 04:00:00", "quantity": "0"}, "33", "isv.invalid-paramete:timestamp"),
        ({"timestamp": "1451620800000"}, "33", "isv.invalid-paramete:timestamp"),
        ({"quantity": "0"}, "33", "isv.invalid-paramete:quantity"),
        ({"quantity": "101"}, "33", "isv.invalid-paramete:quantity"),
        ({"quantity": "many"}, "33", "isv.invalid-paramete:quantity"),
        ({"method": QM_CONFIRM}, "32", "isv.missing-parameter:s_message_ids"),
        ({"method": QM_CONFIRM, "s_message_ids": "a,,b"}, "33", "isv.invalid-paramete:s_message_ids"),
        ({"method": QM_CONFIRM, "s_message_ids": ",".join(["a"] * 101)}, "33", "isv.invalid-paramete:s_message_ids"),
        ({"method": "qianmi.qmcs.queue.get"}, "32", "isv.missing-parameter:group_name"),
    ],
)
def test_what_is_wrong_first_in_the_gateways_order_is_refused(
    world: World, wrong: dict[str, Any], code: str, sub_code: str
) -> None:
    """Each case has something wrong that is only checked later, too, where it can have."""
    answer = world.qianmi_call(**wrong)
    assert qianmi_error(answer) == (code, sub_code)
    assert (answer.code, answer.status) == (code, 200)


def test_an_error_has_the_pages_texts(world: World) -> None:
    """Code 33, its solution and its sub error, as the page shows them."""
    error = json.loads(world.qianmi_call(quantity="0").body)
    assert (error["message"], error["solution"]) == ("非法的参数", "请查看根据服务接口对参数格式的要求")
    assert error["subErrors"] == [
        {"code": "isv.invalid-paramete:quantity", "message": "参数quantity无效,格式不对、非法值、越界等"}
    ]


def test_sub_errors_take_the_pages_form_when_switched_so(world: World) -> None:
    """An object with a list, instead of the list that the framework writes."""
    world.switch(qianmi_sub_errors="doc")
    error = json.loads(world.qianmi_call(quantity="0").body)
    assert error["subErrors"]["subError"][0]["code"] == "isv.invalid-paramete:quantity"


def test_a_message_has_six_members_all_text(world: World) -> None:
    """Its id is MU and 17 digits of date and time."""
    (id_,) = world.publish("qianmi", {"tid": 1, "recharge_state": "1"}, topic="qianmi_elife_rechargeStateChange")
    (item,) = qianmi_items(world.qianmi_call())
    assert item == {
        "id": id_,
        "topic": "qianmi_elife_rechargeStateChange",
        "content": '{"tid":1,"recharge_state":"1"}',
        "pub_time": NOON,
        "pub_app_key": "10000001",
        "user_id": "A854800",
    }
    assert re.fullmatch(r"MU20160101120000\d{3}", id_)


def test_replies_are_pretty_printed(world: World) -> None:
    """As the framework does; the whole is JSON for every number of messages."""
    world.publish("qianmi", *({"tid": n, "text": '"@items@" \\ "'} for n in range(3)))
    body = world.qianmi_call().body.decode()
    assert body.startswith('{\n  "qmcs_messages_consume_response" : {\n')
    assert len(json.loads(body)["qmcs_messages_consume_response"]["qmcs_messages"]["qmcs_message"]) == 3


def test_simplify_leaves_out_the_wrappers(world: World) -> None:
    """The root is the response, the list a plain array."""
    world.publish("qianmi")
    simple = json.loads(world.qianmi_call(simplify="true").body)
    assert [item["topic"] for item in simple["qmcs_messages"]] == ["taobao_trade_TradeBuyerPay"]
    assert json.loads(world.qianmi_call(QM_CONFIRM, s_message_ids="MU1", simplify="true").body) == {"is_success": True}


@pytest.mark.parametrize(("switch", "members"), [("absent", {}), ("array", {"qmcs_messages": {"qmcs_message": []}})])
def test_an_empty_queue_is_answered_without_messages(world: World, switch: str, members: dict[str, Any]) -> None:
    """Or with an empty array, when switched so."""
    world.switch(qianmi_empty=switch)
    assert json.loads(world.qianmi_call().body) == {"qmcs_messages_consume_response": members}


def test_an_access_token_is_accepted_where_none_is_needed(world: World) -> None:
    """The vendor's demos pass it always, here not even a valid one."""
    assert world.qianmi_call(access_token="anything").code == "ok"
    assert world.qianmi_call("qianmi.qmcs.user.permit", access_token="test-token").code == "ok"


def test_unconfirmed_messages_come_again_after_ten_minutes(world: World) -> None:
    """Each by its own timer."""
    first, second = world.publish("qianmi", {"tid": 1}, {"tid": 2})
    world.qianmi_call(quantity="1")
    world.now += 300
    world.qianmi_call(quantity="1")
    world.now += 300
    assert [item["id"] for item in qianmi_items(world.qianmi_call())] == [first]
    world.now += 300
    assert [item["id"] for item in qianmi_items(world.qianmi_call())] == [second]


def test_all_leases_end_together_in_sweep_mode(world: World) -> None:
    """So a message may come again much sooner than after ten minutes."""
    world.switch(qianmi_sweep=True)
    world.publish("qianmi", {"tid": 1}, {"tid": 2})
    world.qianmi_call(quantity="1")
    world.now += 599
    world.qianmi_call(quantity="1")
    world.now += 1
    assert len(qianmi_items(world.qianmi_call())) == 2


def test_a_confirm_names_no_group_and_reaches_all(world: World) -> None:
    """Ids are unique within the app."""
    (first,) = world.publish("qianmi", group="A854800")
    (second,) = world.publish("qianmi")
    world.qianmi_call(group_name="A854800")
    world.qianmi_call()
    assert world.qianmi_call(QM_CONFIRM, s_message_ids=f"{first},{second}").code == "ok"
    world.now += 600
    assert qianmi_items(world.qianmi_call(group_name="A854800")) == []
    assert qianmi_items(world.qianmi_call()) == []


def test_confirming_unknown_or_confirmed_ids_is_a_success_unless_switched(world: World) -> None:
    """As an error, it changes nothing for the others either."""
    first, second = world.publish("qianmi", {"tid": 1}, {"tid": 2})
    world.qianmi_call()
    assert world.qianmi_call(QM_CONFIRM, s_message_ids=f"{first},MU1").code == "ok"
    assert world.qianmi_call(QM_CONFIRM, s_message_ids=first).code == "ok"
    world.switch(qianmi_confirm_unknown="error")
    for ids in (f"{second},MU1", f"{second},{first}"):
        answer = world.qianmi_call(QM_CONFIRM, s_message_ids=ids)
        assert qianmi_error(answer) == ("33", "isv.invalid-paramete:s_message_ids")
    world.now += 600
    assert [item["id"] for item in qianmi_items(world.qianmi_call())] == [second]


def test_200_ids_can_be_confirmed_when_switched_so(world: World) -> None:
    """The SDK's comment says so, the API's page says 100."""
    world.switch(qianmi_confirm_limit=200)
    assert world.qianmi_call(QM_CONFIRM, s_message_ids=",".join(["a"] * 200)).code == "ok"


def test_milliseconds_and_the_stale_code_have_switches(world: World) -> None:
    """Neither is known of the platform."""
    world.switch(qianmi_epoch_timestamp=True, qianmi_stale_code="38")
    assert world.qianmi_call(timestamp="1451620800000").code == "ok"
    assert world.qianmi_call(timestamp="1451610000000").code == "38"


def test_unknown_groups_are_refused_when_groups_are_strict(world: World) -> None:
    """The default group always exists."""
    world.switch(strict_groups=True)
    assert qianmi_error(world.qianmi_call(group_name="vip")) == ("33", "isv.invalid-paramete:group_name")
    assert world.qianmi_call(group_name="default").code == "ok"


def test_limits_answer_37_and_36(world: World) -> None:
    """Frequency first, then the day's quota, which comes back at midnight in GMT+8."""
    world.state.set_app(AppSpec(platform="qianmi", app_key="10000001", calls_per_second=1, calls_per_day=2))
    assert [world.qianmi_call().code for _ in range(2)] == ["ok", "37"]
    world.now += 1
    assert world.qianmi_call().code == "ok"
    world.now += 1
    assert world.qianmi_call().code == "36"
    world.now += 12 * 3600
    assert world.qianmi_call().code == "ok"


def test_the_queue_tells_todays_totals(world: World) -> None:
    """Numbers, here."""
    world.publish("qianmi", {"tid": 1}, {"tid": 2}, group="vip")
    world.qianmi_call(group_name="vip", quantity="1")
    body = json.loads(world.qianmi_call("qianmi.qmcs.queue.get", group_name="vip").body)
    info = body["qmcs_queue_get_response"]["qmcs_queue_info"]
    assert info == {"name": "vip", "put_total": 2, "get_total": 1}
