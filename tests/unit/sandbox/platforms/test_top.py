"""The simulated Taobao gateway: checks in order, APIs, envelopes."""

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from tasks.sandbox.memory.apps import AppSpec
from tasks.sandbox.memory.counter import CounterRow
from tasks.sandbox.memory.exchange import Call
from tasks.sandbox.platforms.respond import respond
from tasks.sandbox.platforms.signatures import top_sign
from tests.unit.sandbox.sandbox_world import CONFIRM, CONSUME, COUNT, NOON, World, top_error, top_items

T2 = {
    "app_key": "12345678",
    "timestamp": NOON,
    "format": "json",
    "v": "2.0",
    "method": CONSUME,
    "group_name": "分组A",
    "quantity": "100",
}


@pytest.fixture
def world() -> World:
    """Three platforms at noon."""
    return World()


def reply(answer_body: bytes, api: str = "tmc_messages_consume") -> dict[str, Any]:
    members: dict[str, Any] = json.loads(answer_body)[f"{api}_response"]
    return members


@pytest.mark.parametrize(
    ("sign_method", "sign"),
    [
        ("md5", "4DAFC80500EF49A441766B8AD93FFFBE"),
        ("hmac", "32BBE3378B5FDA630C6F961D419E7DCF"),
        ("hmac-sha256", "40FFADC933404CC78DC5F3B6E326FFA0905FB87FA7DB380295CFB7CD076B04F6"),
    ],
)
def test_a_call_signed_elsewhere_is_taken(world: World, sign_method: str, sign: str) -> None:
    """Vector T2, as a whole call."""
    call = Call("POST", "/router/rest", {**T2, "sign_method": sign_method, "sign": sign}, world.now)
    assert respond(world.top, call).code == "ok"


@pytest.mark.parametrize("sign", ["6A04028D2CF19C91ACF76C01EBA267C8", "F71C1DD5975EF30D4F3289EC6357A4A2"])
def test_an_empty_group_is_the_default_group_however_it_was_signed(world: World, sign: str) -> None:
    """Vectors T5, empty value skipped and kept."""
    world.publish("taobao")
    call = Call("POST", "/router/rest", {**T2, "group_name": "", "sign_method": "md5", "sign": sign}, world.now)
    assert len(top_items(respond(world.top, call))) == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"verb": "PUT", "app_key": None}, 9),
        ({"app_key": None, "method": None}, 28),
        ({"app_key": "1", "method": None}, 29),
        ({"method": None, "timestamp": None}, 21),
        ({"method": "taobao.item.seller.get", "timestamp": None}, 22),
        ({"timestamp": None, "v": None}, 30),
        ({"timestamp": "2016-01-01 04:00:00", "v": None}, 31),
        ({"v": None, "sign": None}, 32),
        ({"v": "two", "sign": None}, 33),
        ({"v": "3.0", "sign": None}, 34),
        ({"format": "yaml", "sign": None}, 23),
        ({"sign": None, "quantity": "5"}, 24),
        ({"sign": "00", "quantity": "5"}, 25),
        ({"sign_method": None, "quantity": "5"}, 25),
        ({"secret": "another", "quantity": "5"}, 25),
        ({"method": COUNT, "session": None}, 26),
        ({"method": COUNT, "session": "old"}, 27),
        ({"method": COUNT, "session": "test-session", "fields": None}, 40),
        ({"method": CONFIRM}, 40),
        ({"quantity": "9"}, 41),
        ({"quantity": "201"}, 41),
        ({"quantity": "many"}, 41),
        ({"quantity": "-10"}, 41),
        ({"method": CONFIRM, "s_message_ids": "1,,2"}, 41),
        ({"method": CONFIRM, "s_message_ids": "MU1"}, 41),
        ({"method": CONFIRM, "s_message_ids": ",".join(map(str, range(201)))}, 41),
    ],
)
def test_what_is_wrong_first_in_the_gateways_order_is_refused(world: World, wrong: dict[str, Any], code: int) -> None:
    """Each case has something wrong that is only checked later, too, where it can have."""
    answer = world.top_call(**wrong)
    if wrong.get("format") == "yaml":
        assert b"<code>23</code>" in answer.body
    else:
        assert top_error(answer)[0] == code
    assert answer.code == str(code)
    assert answer.status == 200


@pytest.mark.parametrize(
    ("wrong", "sub_code"),
    [
        ({"method": CONFIRM}, "isv.missing-parameter:s_message_ids"),
        ({"quantity": "9"}, "isv.invalid-parameter"),
        ({"method": COUNT, "session": "old"}, "invalid-sessionkey"),
        ({"method": "taobao.tmc.queue.get"}, "isv.missing-parameter:group_name"),
        ({"app_key": "1"}, ""),
    ],
)
def test_refusals_have_the_documented_sub_codes(world: World, wrong: dict[str, Any], sub_code: str) -> None:
    """Clients decide on the sub code first."""
    assert top_error(world.top_call(**wrong))[1] == sub_code


@pytest.mark.parametrize("stamp", ["1451620800000", "1451620200000"])
def test_milliseconds_are_taken_too(world: World, stamp: str) -> None:
    """As Taobao's official Python SDK sends the timestamp."""
    assert world.top_call(timestamp=stamp).code == "ok"


def test_a_message_has_the_documented_members_and_types(world: World) -> None:
    """Ids are numbers beyond 2^53, the content is JSON text in UTF-8."""
    (id_,) = world.publish("taobao", {"tid": 1588826713157361977, "buyer_nick": "雨"})
    answer = world.top_call()
    (item,) = top_items(answer)
    assert item == {
        "content": '{"tid":1588826713157361977,"buyer_nick":"雨"}',
        "id": int(id_),
        "pub_app_key": "12345678",
        "pub_time": NOON,
        "topic": "taobao_trade_TradeBuyerPay",
        "user_id": 3293576715,
        "user_nick": "sandbox seller",
    }
    assert item["id"] > 1 << 53
    assert "雨".encode() in answer.body
    assert answer.content_type == "application/json;charset=UTF-8"


def test_ids_do_not_survive_being_read_as_doubles(world: World) -> None:
    """So that a client which does so is caught."""
    (id_,) = world.publish("taobao")
    assert str(int(float(id_))) != id_


def test_simplify_leaves_out_the_wrappers_and_not_the_errors(world: World) -> None:
    """No root, lists are plain arrays."""
    world.publish("taobao")
    simple = json.loads(world.top_call(simplify="true").body)
    assert [item["topic"] for item in simple["messages"]] == ["taobao_trade_TradeBuyerPay"]
    assert set(simple) == {"messages", "request_id"}
    assert top_error(world.top_call(simplify="true", quantity="1"))[0] == 41


@pytest.mark.parametrize(
    ("switch", "simplify", "shown"),
    [("absent", "false", None), ("absent", "true", None), ("object", "false", {}), ("object", "true", [])],
)
def test_an_empty_queue_is_answered_without_messages(world: World, switch: str, simplify: str, shown: object) -> None:
    """Or with an empty object, when switched so."""
    world.switch(taobao_empty=switch)
    body = json.loads(world.top_call(simplify=simplify).body)
    members = body if simplify == "true" else body["tmc_messages_consume_response"]
    assert members.get("messages") == shown


@pytest.mark.parametrize("form", [None, "xml"])
def test_without_format_json_the_reply_is_xml(world: World, form: str | None) -> None:
    """XML is the platform's default, for errors and simplified calls too."""
    world.publish("taobao", {"note": "<a> & b"})
    answer = world.top_call(format=form, simplify="true")
    root = ElementTree.fromstring(answer.body)  # noqa: S314  (the sandbox's own reply)
    assert root.tag == "tmc_messages_consume_response"
    assert root.findtext("messages/tmc_message/content") == '{"note":"<a> & b"}'
    assert answer.content_type.startswith("text/xml")
    error = ElementTree.fromstring(world.top_call(format=form, quantity="1").body)  # noqa: S314
    assert (error.tag, error.findtext("code")) == ("error_response", "41")


def test_groups_have_queues_of_their_own(world: World) -> None:
    """And the default group goes by two names."""
    world.publish("taobao", {"tid": 1}, group="g1")
    world.publish("taobao", {"tid": 2})
    assert top_items(world.top_call(group_name="g2")) == []
    assert top_items(world.top_call(group_name="g1"))[0]["content"] == '{"tid":1}'
    assert top_items(world.top_call(group_name="default"))[0]["content"] == '{"tid":2}'


def test_unconfirmed_messages_come_again_after_360_seconds(world: World) -> None:
    """The default; confirmed ones never do."""
    first, second = world.publish("taobao", {"tid": 1}, {"tid": 2})
    assert len(top_items(world.top_call())) == 2
    assert reply(world.top_call(CONFIRM, s_message_ids=first).body, "tmc_messages_confirm")["is_success"] is True
    world.now += 359
    assert top_items(world.top_call()) == []
    world.now += 1
    assert [str(item["id"]) for item in top_items(world.top_call())] == [second]


def test_a_confirm_in_another_group_is_a_success_without_effect(world: World) -> None:
    """The message comes again."""
    (id_,) = world.publish("taobao", group="g1")
    world.top_call(group_name="g1")
    assert world.top_call(CONFIRM, s_message_ids=id_).code == "ok"
    world.now += 360
    assert len(top_items(world.top_call(group_name="g1"))) == 1


def test_confirming_unknown_or_confirmed_ids_is_a_success(world: World) -> None:
    """Confirms are idempotent."""
    (id_,) = world.publish("taobao")
    world.top_call()
    for ids in (id_, id_, "42", f"42,{id_}"):
        assert world.top_call(CONFIRM, s_message_ids=ids, f_message_ids="7").code == "ok"


def test_unknown_groups_are_refused_when_groups_are_strict(world: World) -> None:
    """Code 15, or 50 as newer gateways answer; the default group always exists."""
    world.switch(strict_groups=True)
    world.state.set_app(AppSpec(platform="taobao", app_key="12345678", groups=("g1",)))
    assert world.top_call(group_name="g1").code == "ok"
    assert world.top_call().code == "ok"
    assert top_error(world.top_call(group_name="g2")) == (15, "isv.invalid-parameter")
    world.switch(taobao_remote_error=50)
    assert top_error(world.top_call(CONFIRM, group_name="g2", s_message_ids="1"))[0] == 50


def test_quantity_is_clamped_when_switched_so(world: World) -> None:
    """Text that is no number stays wrong."""
    world.switch(taobao_clamp_quantity=True)
    world.publish("taobao", *({"tid": n} for n in range(250)))
    assert len(top_items(world.top_call(quantity="1"))) == 10
    assert len(top_items(world.top_call(quantity="900"))) == 200
    assert top_error(world.top_call(quantity="many"))[0] == 41


def test_quantity_defaults_to_100(world: World) -> None:
    """As the API's page says."""
    world.publish("taobao", *({"tid": n} for n in range(150)))
    assert len(top_items(world.top_call(quantity=None))) == 100


def test_a_name_in_both_query_and_body_is_refused_when_switched_so(world: World) -> None:
    """By default the query's value counts."""
    params = {**T2, "sign_method": "md5"}
    params["sign"] = top_sign("helloworld", params) or ""
    call = Call("POST", "/router/rest", params, world.now, repeated=frozenset({"v"}))
    assert respond(world.top, call).code == "ok"
    world.switch(taobao_repeated="refuse")
    assert respond(world.top, call).code == "41"


def test_lower_case_signatures_are_taken_when_switched_so(world: World) -> None:
    """They are refused by default."""
    params = {**T2, "sign_method": "md5"}
    params["sign"] = (top_sign("helloworld", params) or "").lower()
    call = Call("POST", "/router/rest", params, world.now)
    assert respond(world.top, call).code == "25"
    world.switch(lower_case_sign=True)
    assert respond(world.top, call).code == "ok"


def test_a_spent_second_bans_the_api_for_one_more(world: World) -> None:
    """Only this API of this app; the reply names the wait."""
    world.state.set_app(AppSpec(platform="taobao", app_key="12345678", calls_per_second=2))
    assert [world.top_call().code for _ in range(2)] == ["ok", "ok"]
    error = json.loads(world.top_call().body)["error_response"]
    assert (error["code"], error["sub_code"]) == (7, "accesscontrol.limited-by-api-access-count")
    assert error["sub_msg"] == "This ban will last for 1 more seconds"
    assert world.top_call(CONFIRM, s_message_ids="1").code == "7"
    world.now += 1
    assert world.top_call().code == "ok"


def test_a_ban_may_reach_into_the_next_second(world: World) -> None:
    """It lasts a whole one, while another API of the app has the next second's calls."""
    world.now += 0.75
    world.state.set_app(AppSpec(platform="taobao", app_key="12345678", calls_per_second=1))
    assert [world.top_call().code for _ in range(2)] == ["ok", "7"]
    world.now += 0.5
    assert world.top_call().code == "7"
    assert world.top_call(CONFIRM, s_message_ids="1").code == "ok"
    world.now += 1
    assert world.top_call().code == "ok"


def test_a_spent_day_lasts_until_midnight_in_gmt8(world: World) -> None:
    """At noon: twelve hours."""
    world.state.set_app(AppSpec(platform="taobao", app_key="12345678", calls_per_day=1))
    assert world.top_call().code == "ok"
    error = json.loads(world.top_call().body)["error_response"]
    assert (error["code"], error["sub_code"]) == (7, "accesscontrol.limited-by-app-access-count")
    assert error["sub_msg"] == "This ban will last for 43200 more seconds"
    world.now += 43_200
    assert world.top_call().code == "ok"


def test_permit_needs_a_session_and_succeeds(world: World) -> None:
    """Repeating it is harmless."""
    method = "taobao.tmc.user.permit"
    assert top_error(world.top_call(method))[0] == 26
    body = world.top_call(method, session="test-session", topics="taobao_trade_TradeBuyerPay").body
    assert reply(body, "tmc_user_permit")["is_success"] is True


def test_the_queue_tells_todays_totals(world: World) -> None:
    """`put_toal` is how the platform spells it."""
    world.publish("taobao", {"tid": 1}, {"tid": 2}, group="g1")
    world.top_call(group_name="g1")
    body = world.top_call("taobao.tmc.queue.get", group_name="g1").body
    (info,) = reply(body, "tmc_queue_get")["datas"]["tmc_queue_info"]
    assert info == {"name": "g1", "broker_name": "sandbox", "get_total": 2, "put_toal": 2}
    world.now += 86_400
    body = world.top_call("taobao.tmc.queue.get", group_name="g1").body
    assert reply(body, "tmc_queue_get")["datas"]["tmc_queue_info"][0]["get_total"] == 0


@pytest.fixture
def counting(world: World) -> World:
    """Three rows on the counter."""
    world.state.set_counter(CounterRow(user_id="11", topic="item", number=3))
    world.state.set_counter(CounterRow(user_id="11", sub_user_id="22", topic="trade", number=5, total=9, last_msg="m"))
    world.state.set_counter(CounterRow(user_id="12", topic="trade", number=0))
    return world


def counted(world: World, **params: str) -> list[dict[str, Any]]:
    body = world.top_call(COUNT, session="test-session", **params).body
    infos = reply(body, "jindoucloud_messagecount_get").get("message_infos", {"message_info": []})
    rows: list[dict[str, Any]] = infos["message_info"]
    return rows


def test_the_counter_gives_the_asked_fields_and_the_topic(counting: World) -> None:
    """Numbers are numbers, user ids are text; all of them when switched so."""
    assert counted(counting, fields="number", topic="item") == [{"topic": "item", "number": 3}]
    row = {"topic": "trade", "last_msg": "m", "number": 5, "user_id": "11", "sub_user_id": "22", "total": 9}
    assert counted(counting, fields=",".join(row), user_ids="11:22") == [row]
    counting.switch(taobao_filter_fields=False)
    assert counted(counting, fields="number", user_ids="11:22") == [row]


@pytest.mark.parametrize(
    ("params", "numbers"),
    [
        ({}, [3, 5, 0]),
        ({"topic": "trade"}, [5, 0]),
        ({"topic": "item,trade"}, [3, 5, 0]),
        ({"user_ids": "11"}, [3]),
        ({"user_ids": "11,12"}, [3, 0]),
        ({"user_ids": "11:22,12", "topic": "trade"}, [5, 0]),
        ({"topic": "refund"}, []),
        ({"type": "4", "need_detail": "true", "client_info": "type=IPHONE&version=1.4"}, [3, 5, 0]),
    ],
)
def test_the_counter_filters_by_topic_and_user(counting: World, params: dict[str, str], numbers: list[int]) -> None:
    """A main account is another user than its sub accounts."""
    assert [row["number"] for row in counted(counting, fields="number", **params)] == numbers


@pytest.mark.parametrize("wrong", [{"type": "6"}, {"need_detail": "yes"}, {"user_ids": "me"}, {"user_ids": "1:2:3"}])
def test_the_counter_refuses_wrong_arguments_as_on_its_page(counting: World, wrong: dict[str, str]) -> None:
    """Code 50 with the sample's sub code and text."""
    answer = counting.top_call(COUNT, session="test-session", fields="number", **wrong)
    error = json.loads(answer.body)["error_response"]
    assert (error["code"], error["sub_code"], error["sub_msg"]) == (50, "isv.invalid-parameter", "非法参数")
