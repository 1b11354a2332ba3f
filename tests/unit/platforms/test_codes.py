"""What each code of each platform comes to, against a listing of its own: kind of error, whom it concerns, how long."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from tasks.accounts import QianmiGateway, TaobaoGateway, VvtoolGateway
from tasks.platforms import (
    BadRequest,
    Client,
    MalformedReply,
    OutOfQuota,
    PlatformError,
    Reply,
    Throttled,
    Transient,
    Unauthorised,
)
from tasks.platforms.clients import client_for

QIANMI = client_for(QianmiGateway(name="qm", app_key="10000001", app_secret="helloworld"))
TAOBAO = client_for(TaobaoGateway(name="tb", app_key="12345678", app_secret="helloworld"))
VVTOOL = client_for(VvtoolGateway(name="vv", token="test-token"))

NOON_IN_CHINA = datetime(2016, 1, 1, 4, tzinfo=UTC)
MIDNIGHT_IN_CHINA = datetime(2016, 1, 1, 16, tzinfo=UTC).timestamp()

KINDS = {
    "transient": Transient,
    "throttled": Throttled,
    "quota": OutOfQuota,
    "auth": Unauthorised,
    "bad": BadRequest,
    "malformed": MalformedReply,
}

QIANMI_CODES = """
    1 transient account | 2 auth gateway | 3 auth account | 4 bad account | 5 bad gateway | 6 bad gateway
    7 transient account | 8 bad gateway | 9 bad account | 20 auth account | 21 auth account | 22 auth gateway
    23 auth gateway | 24 auth gateway | 25 auth gateway | 26 bad gateway | 27 bad gateway | 28 bad gateway
    29 bad gateway | 30 bad gateway | 31 bad gateway | 32 bad account | 33 bad account | 34 quota account
    35 quota account | 36 quota gateway | 37 throttled gateway | 40 bad account | 41 bad account
    38 malformed account | 99 malformed account"""
TAOBAO_CODES = """
    3 bad account | 4 quota account | 5 quota account | 6 quota gateway | 7 throttled gateway | 8 throttled gateway
    9 bad gateway | 10 transient account | 11 auth gateway | 12 auth account | 13 auth gateway | 15 transient account
    21 bad gateway | 22 bad gateway | 23 bad gateway | 24 auth gateway | 25 auth gateway | 26 auth account
    27 auth account | 28 auth gateway | 29 auth gateway | 30 auth gateway | 31 auth gateway | 32 bad gateway
    33 bad gateway | 34 bad gateway | 40 bad account | 41 bad account | 42 bad account | 43 bad account
    50 transient account | 53 auth account | 500 bad account | 999 bad account
    499 malformed account | 1000 malformed account"""
VVTOOL_CODES = """
    100 bad account | 101 transient account | 103 bad account | 200 transient account | 202 throttled gateway
    203 bad account | 204 auth gateway | 302 auth account | 303 auth account | 401 auth gateway | 404 bad gateway
    501 auth account | 614 auth account | 1 malformed account | 999 malformed account | -1 malformed account"""


def listed(codes: str) -> list[tuple[str, type[PlatformError], str]]:
    rows = (row.split() for line in codes.strip().splitlines() for row in line.split("|"))
    return [(code, KINDS[kind], scope) for code, kind, scope in rows]


def failure(client: Client, body: object) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        client.read(json.dumps(body).encode())
    return caught.value


def qianmi(code: str, sub_code: str = "", message: str = "说明") -> PlatformError:
    subs = [{"code": sub_code, "message": "细节"}] if sub_code else []
    body = {"errorToken": "@@$-ERROR_TOKEN$-@@", "code": code, "message": message, "solution": "x", "subErrors": subs}
    return failure(QIANMI, body)


def taobao(code: int, sub_code: str = "", sub_msg: str = "") -> PlatformError:
    error: dict[str, Any] = {"code": code, "msg": "Some error", "request_id": "r1"}
    return failure(TAOBAO, {"error_response": error | ({"sub_code": sub_code, "sub_msg": sub_msg} if sub_code else {})})


def vvtool(code: object, **members: object) -> PlatformError:
    return failure(VVTOOL, {"code": code, "msg": "说明", "msec": 1, "time": 1, "data": [], **members})


@pytest.mark.parametrize(("code", "kind", "scope"), listed(QIANMI_CODES))
def test_every_code_of_qianmi(code: str, kind: type[PlatformError], scope: str) -> None:
    error = qianmi(code)
    assert (type(error), error.scope, error.code) == (kind, scope, code)
    assert "说明" in error.text


@pytest.mark.parametrize(("code", "kind", "scope"), listed(TAOBAO_CODES))
def test_every_code_of_taobao(code: str, kind: type[PlatformError], scope: str) -> None:
    error = taobao(int(code))
    assert (type(error), error.scope, error.code, error.request_id) == (kind, scope, code, "r1")
    assert "Some error" in error.text


@pytest.mark.parametrize(("code", "kind", "scope"), listed(VVTOOL_CODES))
def test_every_code_of_vvtool(code: str, kind: type[PlatformError], scope: str) -> None:
    for wire in (int(code), code):
        error = vvtool(wire)
        assert (type(error), error.scope, error.code) == (kind, scope, code)
        assert "说明" in error.text


@pytest.mark.parametrize("code", ["1", "9", "33", "99"])
def test_a_fault_of_qianmis_server_is_transient_under_any_code(code: str) -> None:
    error = qianmi(code, "isp.qmcs-service-timeout")
    assert type(error) is Transient
    assert error.sub_code == "isp.qmcs-service-timeout"


def test_a_stale_timestamp_at_qianmi_is_for_whoever_sets_the_clock() -> None:
    error = qianmi("33", "isv.invalid-paramete:timestamp")
    assert isinstance(error, Unauthorised)
    assert error.scope == "gateway"
    assert "clock" in error.remedy


def test_a_wrong_parameter_at_qianmi_stays_wrong() -> None:
    assert type(qianmi("33", "isv.invalid-paramete:group_name")) is BadRequest
    assert type(qianmi("77", "isv.something-new")) is BadRequest


@pytest.mark.parametrize(
    "subs",
    [
        pytest.param([{"code": "isv.invalid-paramete:q", "message": "m"}], id="array"),
        pytest.param({"subError": [{"code": "isv.invalid-paramete:q", "message": "m"}]}, id="as the page has it"),
        pytest.param({"subError": {"code": "isv.invalid-paramete:q", "message": "m"}}, id="one object"),
    ],
)
def test_qianmis_sub_errors_are_read_in_every_form(subs: object) -> None:
    body = {"errorToken": "x", "code": "33", "message": "非法的参数", "subErrors": subs}
    error = failure(QIANMI, body)
    assert (error.code, error.sub_code, error.text) == ("33", "isv.invalid-paramete:q", "非法的参数: m")


@pytest.mark.parametrize("subs", [None, [], {}, "x", [None], [[]], {"subError": None}, {"subError": []}])
def test_qianmis_sub_errors_may_be_missing_or_broken(subs: object) -> None:
    error = failure(QIANMI, {"errorToken": "x", "code": "33", "message": "m", "subErrors": subs})
    assert (type(error), error.sub_code, error.text) == (BadRequest, "", "m")


@pytest.mark.parametrize(
    ("code", "sub_code", "kind"),
    [
        (15, "isp.top-remote-connection-timeout", Transient),
        (50, "isp.remote-service-error", Transient),
        (41, "isp.some-service-unavailable", Transient),
        (15, "isv.invalid-parameter", BadRequest),
        (50, "isv.invalid-parameter", BadRequest),
        (41, "isv.invalid-parameter", BadRequest),
        (40, "isv.missing-parameter:fields", BadRequest),
        (15, "something else", Transient),
        (77, "isv.something-new", BadRequest),
        (15, "invalid-sessionkey", Unauthorised),
        (27, "sessionkey-not-generated-by-server", Unauthorised),
        (7, "isp.call-limited", Throttled),
    ],
)
def test_taobaos_sub_code_decides_before_the_code(code: int, sub_code: str, kind: type[PlatformError]) -> None:
    error = taobao(code, sub_code, "x")
    assert (type(error), error.code, error.sub_code) == (kind, str(code), sub_code)


@pytest.mark.parametrize(
    "sub_code",
    [
        "accesscontrol.limited-by-api-access-count",
        "accesscontrol.limited-by-app-api-access-count",
        "accesscontrol.limited-by-dynamic-access-count",
        "isp.call-limited",
        "accesscontrol.something-new",
    ],
)
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("This ban will last for 1 more seconds", 1),
        ("This ban will last for 37 more seconds", 37),
        ("This ban will last for 0 more seconds", 1),
        ("This ban will last for 9999999 more seconds", 86_400),
        ("This ban will last for 99999999999999999999 more seconds", 1),
        ("Call limited", 1),
    ],
)
def test_a_ban_lasts_as_long_as_its_text_says_else_a_second(sub_code: str, text: str, seconds: float) -> None:
    error = taobao(7, sub_code, text)
    assert isinstance(error, Throttled)
    assert (error.seconds, error.scope) == (seconds, "gateway")


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("This ban will last for 31062 more seconds", NOON_IN_CHINA.timestamp() + 31062),
        ("This ban will last for 0 more seconds", NOON_IN_CHINA.timestamp() + 1),
        ("This ban will last for 9999999 more seconds", NOON_IN_CHINA.timestamp() + 86_400),
        ("no figure", MIDNIGHT_IN_CHINA),
    ],
)
@time_machine.travel(NOON_IN_CHINA, tick=False)
def test_a_spent_day_of_taobao_lasts_as_its_text_says_else_to_midnight(text: str, until: float) -> None:
    error = taobao(7, "accesscontrol.limited-by-app-access-count", text)
    assert isinstance(error, OutOfQuota)
    assert (error.until, error.scope) == (until, "gateway")


@pytest.mark.parametrize("code", ["34", "35", "36"])
@time_machine.travel(NOON_IN_CHINA, tick=False)
def test_a_spent_day_of_qianmi_lasts_to_chinas_midnight(code: str) -> None:
    error = qianmi(code)
    assert isinstance(error, OutOfQuota)
    assert error.until == MIDNIGHT_IN_CHINA


@pytest.mark.parametrize("seconds", [0.0, 0.2, 30.0, 599.0])
def test_a_day_that_is_spent_as_it_begins_is_yesterdays_and_asked_for_again_soon(seconds: float) -> None:
    """The first call after midnight met a platform whose clock was a moment behind, and all shops stood still for a day more."""
    with time_machine.travel(MIDNIGHT_IN_CHINA + seconds, tick=False):
        for error in (qianmi("36"), taobao(6, "", "no figure")):
            assert isinstance(error, OutOfQuota)
            assert error.until == MIDNIGHT_IN_CHINA + seconds + 60


@time_machine.travel(MIDNIGHT_IN_CHINA + 601, tick=False)
def test_a_day_that_is_spent_ten_minutes_after_it_began_is_its_own() -> None:
    error = qianmi("36")
    assert isinstance(error, OutOfQuota)
    assert error.until == MIDNIGHT_IN_CHINA + 86_400


def test_too_many_calls_in_a_moment_wait_a_second() -> None:
    for error in (qianmi("37"), vvtool(202)):
        assert isinstance(error, Throttled)
        assert error.seconds == 1


@pytest.mark.parametrize(
    ("error", "setting"),
    [
        (qianmi("21"), "gateways.qm.access_token"),
        (qianmi("22"), "gateways.qm.app_key"),
        (qianmi("25"), "gateways.qm.app_secret"),
        (taobao(27), "accounts.*.session"),
        (taobao(29), "gateways.tb.app_key"),
        (taobao(25), "gateways.tb.app_secret"),
        (taobao(31), "clock"),
        (vvtool(401), "gateways.vv.token"),
        (vvtool(204), "permitted or buy calls"),
        (vvtool(303), "edition"),
    ],
)
def test_a_remedy_names_what_to_change(error: PlatformError, setting: str) -> None:
    assert isinstance(error, Unauthorised)
    assert setting in error.remedy


@pytest.mark.parametrize(
    "members",
    [
        {"data": {"url": "http://auth.example.com/scan?shop=1"}},
        {"data": "http://auth.example.com/scan?shop=1"},
        {"data": [{"deep": {"link": "http://auth.example.com/scan?shop=1"}}]},
        {"msg": "未授权,请访问http://auth.example.com/scan?shop=1,然后重试"},
        {"link": "http://auth.example.com/scan?shop=1"},
    ],
)
def test_a_shop_without_authorisation_is_sent_to_the_link_in_the_reply(members: dict[str, object]) -> None:
    error = vvtool(302, **members)
    assert isinstance(error, Unauthorised)
    assert error.remedy.endswith("authorise the app again: http://auth.example.com/scan?shop=1")


def test_a_shop_without_authorisation_and_without_a_link_has_a_remedy_too() -> None:
    error = vvtool(302)
    assert isinstance(error, Unauthorised)
    assert error.remedy == "let the shop of accounts.* authorise the app again"


@pytest.mark.parametrize(
    "error",
    [
        qianmi("25", "isv.x", "base string: helloworldappKey10000001helloworld"),
        taobao(25, "isv.x", "expected helloworld"),
        vvtool(401, msg="unknown token test-token"),
    ],
)
def test_a_platform_that_quotes_our_secret_is_not_passed_on(error: PlatformError) -> None:
    assert "***" in error.text
    for secret in ("helloworld", "test-token"):
        assert secret not in f"{error} {vars(error)}"


def test_a_platforms_endless_text_is_cut() -> None:
    assert len(qianmi("33", message="长" * 10_000).text) == 500


@pytest.mark.parametrize("code", [None, True, "", [1], {}, 1.5])
def test_an_error_without_a_readable_code_is_a_malformed_reply(code: object) -> None:
    assert type(failure(TAOBAO, {"error_response": {"code": code, "msg": "m"}})) is MalformedReply
    assert type(failure(QIANMI, {"errorToken": "x", "code": code, "message": "m"})) is MalformedReply
    assert type(failure(VVTOOL, {"code": code, "msg": "m"})) is MalformedReply


@pytest.mark.parametrize(
    ("client", "root", "kind"),
    [
        (TAOBAO, {"code": 27, "msg": "Invalid session", "request_id": "r"}, Unauthorised),
        (TAOBAO, {"tmc_messages_consume_response": {"code": "27", "msg": "Invalid session"}}, Unauthorised),
        (TAOBAO, {"type": "ISV", "code": "IllegalAccessToken", "message": "m", "request_id": "r"}, MalformedReply),
        (TAOBAO, {"code": 27.0, "request_id": "r"}, MalformedReply),
        (QIANMI, {"code": "21", "message": "无效的会话", "solution": "x", "subErrors": []}, Unauthorised),
        (QIANMI, {"error_response": {"code": 21, "message": "无效的会话"}}, Unauthorised),
        (QIANMI, {"errorCode": 1, "errorMessage": "m", "data": {}}, Transient),
        (QIANMI, {"code": 33, "message": "m", "data": {"page": 1}}, BadRequest),
    ],
)
def test_an_error_in_another_envelope_is_no_empty_queue(
    client: Client, root: object, kind: type[PlatformError]
) -> None:
    """An account that was refused each time looked like one that has no messages, and nobody was told."""
    assert type(failure(client, root)) is kind


@pytest.mark.parametrize("code", [0, "0", None, ""])
def test_a_code_that_tells_of_no_error_is_left_out(code: object) -> None:
    said = {"code": code, "msg": "ok"}
    for body in ({**said, "request_id": "r"}, {"tmc_messages_consume_response": said}):
        assert TAOBAO.read(json.dumps(body).encode()) == Reply()
    for body in ({**said, "data": {}}, {"qmcs_messages_consume_response": said}):
        assert QIANMI.read(json.dumps(body).encode()) == Reply()


@pytest.mark.parametrize("mark", [None, "", {}])
def test_an_error_that_is_null_beside_messages_is_none(mark: object) -> None:
    row = {"id": 1, "topic": "t", "content": "{}"}
    body: dict[str, object] = {"error_response": mark, "tmc_messages_consume_response": {"messages": [row]}}
    assert len(TAOBAO.read(json.dumps(body).encode())) == 1
    body = {"errorToken": mark, "code": "200", "qmcs_messages_consume_response": {"qmcs_messages": [row]}}
    assert len(QIANMI.read(json.dumps(body).encode())) == 1


@pytest.mark.parametrize("envelope", [None, [], "text", 1, {}])
def test_an_error_response_that_is_no_object_is_a_malformed_reply(envelope: object) -> None:
    assert type(failure(TAOBAO, {"error_response": envelope})) is MalformedReply
