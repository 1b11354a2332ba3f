"""What `read` makes of replies: the shapes of the platforms' own pages, their variants, and everything broken."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.accounts import QianmiAccount, QianmiGateway, TaobaoAccount, TaobaoGateway, VvtoolGateway
from tasks.platforms import Client, Item, MalformedReply, PlatformError, Reply, Spoilt, Unauthorised, http
from tasks.platforms.clients import client_for

QM = QianmiGateway(name="qm", app_key="10000001", app_secret="helloworld")
TB = TaobaoGateway(name="tb", app_key="12345678", app_secret="helloworld")
QIANMI, TAOBAO = client_for(QM), client_for(TB)
VVTOOL = client_for(VvtoolGateway(name="vv", token="test-token"))
CLIENTS = pytest.mark.parametrize("client", [QIANMI, TAOBAO, VVTOOL], ids=["qianmi", "taobao", "vvtool"])

STOCK = (
    b'{"tmc_messages_consume_response":{"messages":{"tmc_message":[{"content":"{\\"nick\\":\\"n\\",\\"num_iid\\":'
    b'15380658823}","id":7104300007405429232,"pub_app_key":"12345678","pub_time":"2013-10-05 10:55:58",'
    b'"topic":"taobao_item_ItemStockChanged","user_id":1,"user_nick":"n"}]}}}'
)

RECHARGED = {
    "id": "MU20150428094534689",
    "topic": "qianmi_elife_rechargeStateChange",
    "content": '{"tid":"S1504280001","recharge_state":"1"}',
    "pub_time": "2015-04-28 09:45:34",
    "pub_app_key": "10000001",
    "user_id": "A854800",
}

CREATED: dict[str, Any] = {
    "content": '{"buyer_nick":"201314雨洁","post_fee":"0.00","end_time":1655114889000,"tid":1588826713157361977}',
    "id": 45407531231871,
    "pub_app_key": "12421314",
    "pub_time": "2022-06-13 18:08:09",
    "topic": "taobao_trade_TradeCreate",
    "user_id": 3293576715,
    "user_nick": "高墣旗舰店",
}


def qianmi(*rows: object) -> bytes:
    return json.dumps({"qmcs_messages_consume_response": {"qmcs_messages": {"qmcs_message": rows}}}, indent=2).encode()


def taobao(*rows: object) -> bytes:
    return json.dumps(
        {"tmc_messages_consume_response": {"messages": {"tmc_message": rows}, "request_id": "r"}}
    ).encode()


def vvtool(*rows: object, **data: object) -> bytes:
    numbered = [
        {"id": 106 + n, "msg_data": row if isinstance(row, str) else json.dumps(row)} for n, row in enumerate(rows)
    ]
    body = {"code": 0, "msg": "操作成功", "msec": 1106, "time": 1655866153}
    return json.dumps({**body, "data": {"msg": numbered, "withholding_money": 1, **data}}).encode()


def taobao_row(**members: object) -> dict[str, object]:
    row: dict[str, object] = {"id": 7104300007405429232, "topic": "t", "content": "{}"}
    return {name: value for name, value in {**row, **members}.items() if value is not ...}


def test_taobaos_own_example() -> None:
    assert TAOBAO.read(STOCK) == Reply(
        (
            Item(
                receipt="7104300007405429232",
                id="7104300007405429232",
                topic="taobao_item_ItemStockChanged",
                content='{"nick":"n","num_iid":15380658823}',
                pub_time="2013-10-05 10:55:58",
                user_id="1",
                user_nick="n",
            ),
        )
    )


def test_qianmis_shape() -> None:
    (item,) = QIANMI.read(qianmi(RECHARGED)).items
    assert item == Item(
        receipt="MU20150428094534689",
        id="MU20150428094534689",
        topic="qianmi_elife_rechargeStateChange",
        content='{"tid":"S1504280001","recharge_state":"1"}',
        pub_time="2015-04-28 09:45:34",
        user_id="A854800",
        user_nick="",
    )


@pytest.mark.parametrize("ascii_only", [True, False], ids=["escaped", "raw UTF-8"])
def test_vvtools_three_layers_of_json(ascii_only: bool) -> None:
    msg_data = json.dumps(CREATED, ensure_ascii=ascii_only)
    data = {"msg": [{"id": 106, "msg_data": msg_data}], "withholding_money": 1}
    reply = VVTOOL.read(json.dumps({"code": 0, "data": data}, ensure_ascii=ascii_only).encode())
    (item,) = reply.items
    assert reply.points == 1
    assert (item.receipt, item.id, item.topic) == ("0", "45407531231871", "taobao_trade_TradeCreate")
    assert (item.content, item.user_id, item.user_nick) == (CREATED["content"], "3293576715", "高墣旗舰店")


def test_vvtools_page_as_it_stands_costs_only_its_message() -> None:
    """The sample of the page carries stray backslashes on all layers, by which neither body nor msg_data is JSON."""
    spoilt_row = r'"{\"content\":\"{\\\"buyer_nick\\\":\\\"201314\雨\洁\\\"}\",\"id\":45407531231871}"'
    good_row = json.dumps(json.dumps(CREATED))
    body = f'{{"code":0,"data":{{"msg":[{{"id":106,"msg_data":{spoilt_row}}},{{"id":107,"msg_data":{good_row}}}]}}}}'
    reply = VVTOOL.read(body.encode())
    assert [spoilt.receipt for spoilt in reply.spoilt] == ["0"]
    assert "45407531231871" in reply.spoilt[0].raw
    assert [(item.receipt, item.id) for item in reply.items] == [("1", "45407531231871")]


def test_vvtool_receipts_are_places_so_that_equal_ids_stay_apart() -> None:
    reply = VVTOOL.read(vvtool({**CREATED, "topic": "a"}, "broken", {**CREATED, "topic": "b"}))
    assert [(item.receipt, item.topic) for item in reply.items] == [("0", "a"), ("2", "b")]
    assert [spoilt.receipt for spoilt in reply.spoilt] == ["1"]
    assert len(reply) == 3


@pytest.mark.parametrize(
    "response",
    [
        {},
        None,
        [],
        {"qmcs_messages": None},
        {"qmcs_messages": {}},
        {"qmcs_messages": []},
        {"qmcs_messages": ""},
        {"qmcs_messages": {"qmcs_message": None}},
        {"qmcs_messages": {"qmcs_message": []}},
    ],
)
def test_an_empty_queue_of_qianmi(response: object) -> None:
    assert QIANMI.read(json.dumps({"qmcs_messages_consume_response": response}).encode()) == Reply()


@pytest.mark.parametrize(
    "response",
    [
        {},
        None,
        [],
        {"messages": None},
        {"messages": {}},
        {"messages": []},
        {"request_id": "r"},
        {"messages": ""},
        {"messages": {"tmc_message": None}},
        {"messages": {"tmc_message": []}},
    ],
)
def test_an_empty_queue_of_taobao(response: object) -> None:
    assert TAOBAO.read(json.dumps({"tmc_messages_consume_response": response}).encode()) == Reply()


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        "",
        ...,
        {"msg": []},
        {"msg": None},
        {"msg": {}},
        {"msg": ""},
        {"withholding_money": 0},
        {"page": {"n": 0}},
    ],
)
def test_an_empty_queue_of_vvtool(data: object) -> None:
    body = {"code": 0, "msg": "操作成功"} | ({} if data is ... else {"data": data})
    assert VVTOOL.read(json.dumps(body).encode()) == Reply()


@pytest.mark.parametrize(
    "root",
    [
        {"messages": [taobao_row()], "request_id": "r"},
        {"messages": {"tmc_message": [taobao_row()]}},
        {"tmc_messages_consume_response": {"messages": [taobao_row()]}},
    ],
)
def test_taobaos_simplified_forms_are_read_too(root: object) -> None:
    assert [item.id for item in TAOBAO.read(json.dumps(root).encode()).items] == ["7104300007405429232"]


@pytest.mark.parametrize("messages", [{"tmc_message": taobao_row()}, taobao_row()])
def test_one_message_of_taobao_that_is_in_no_list_is_read(messages: object) -> None:
    """Alone in its queue, it came in each reply and was read in none, for the day that TMC keeps it."""
    body = json.dumps({"tmc_messages_consume_response": {"messages": messages, "request_id": "r"}}).encode()
    assert [item.id for item in TAOBAO.read(body).items] == ["7104300007405429232"]


@pytest.mark.parametrize("messages", [{"qmcs_message": RECHARGED}, RECHARGED])
def test_one_message_of_qianmi_that_is_in_no_list_is_read(messages: object) -> None:
    body = json.dumps({"qmcs_messages_consume_response": {"qmcs_messages": messages}}).encode()
    assert [item.id for item in QIANMI.read(body).items] == [RECHARGED["id"]]


def test_messages_of_vvtool_are_found_under_the_name_that_its_table_has() -> None:
    """The page's table calls the list `msg_data`, its samples `msg`. The whole reply was taken for an empty one, and dropped."""
    rows = [{"id": 106, "msg_data": json.dumps(CREATED)}]
    body = json.dumps({"code": 0, "data": {"msg_data": rows, "withholding_money": 1}}).encode()
    assert [(item.receipt, item.id) for item in VVTOOL.read(body).items] == [("0", "45407531231871")]
    assert [(item.receipt, item.id) for item in VVTOOL.read(body[:-27]).items] == [("0", "45407531231871")]
    alone = json.dumps({"code": 0, "data": rows[0]}).encode()
    assert [(item.receipt, item.id) for item in VVTOOL.read(alone).items] == [("0", "45407531231871")]
    more = json.dumps({"code": 0, "data": {"id": 1, "number": 1, "msg": rows}}).encode()
    assert [(item.receipt, item.id) for item in VVTOOL.read(more).items] == [("0", "45407531231871")]


@pytest.mark.parametrize(
    ("client", "response"),
    [
        (TAOBAO, {"tmc_messages_consume_response": {"tmc_messages": [taobao_row()], "request_id": "r"}}),
        (QIANMI, {"qmcs_messages_consume_response": {"messages": [RECHARGED]}}),
    ],
)
def test_messages_under_an_unknown_name_are_no_empty_reply(client: Client, response: object) -> None:
    with pytest.raises(MalformedReply):
        client.read(json.dumps(response).encode())


@pytest.mark.parametrize("empty", [None, [], {}, ""])
def test_messages_of_vvtool_are_found_beside_an_empty_list_of_the_other_name(empty: object) -> None:
    """The reply was taken for an empty one, and dropped, where a list that it leaves empty stands there all the same."""
    for name, other in (("msg", "msg_data"), ("msg_data", "msg")):
        data = {name: empty, other: [{"id": 106, "msg_data": json.dumps(CREATED)}]}
        assert [item.id for item in VVTOOL.read(json.dumps({"code": 0, "data": data}).encode()).items] == [
            "45407531231871"
        ]


@pytest.mark.parametrize("code", [..., None, False, 0.0, "", "ok", 101, 202, 204, "401", 4711])
def test_messages_of_vvtool_count_whatever_code_they_came_with(code: object) -> None:
    """They never come again: with the code of an error they were dropped, and without one they were a letter that stayed one."""
    root = json.loads(vvtool(CREATED, {**CREATED, "id": 2})) | {"code": code}
    if code is ...:
        del root["code"]
    reply = VVTOOL.read(json.dumps(root).encode())
    assert [(item.receipt, item.id) for item in reply.items] == [("0", "45407531231871"), ("1", "2")]
    assert reply.points == 1


@pytest.mark.parametrize("data", [[], {"msg": []}, {"url": "https://oauth.example/x"}, {"msg": [{"id": 1}]}, "text"])
def test_an_error_of_vvtool_without_messages_stays_one(data: object) -> None:
    with pytest.raises(PlatformError, match="302"):
        VVTOOL.read(json.dumps({"code": 302, "msg": "m", "data": data}).encode())


def test_what_vvtool_wrote_as_json_twice_is_read() -> None:
    rows = [{"id": 106, "msg_data": json.dumps(json.dumps(CREATED))}]
    for data in ({"msg": json.dumps(rows)}, json.dumps({"msg": rows}), json.dumps(json.dumps(rows))):
        (item,) = VVTOOL.read(json.dumps({"code": 0, "data": data}).encode()).items
        assert item.id == "45407531231871"


def test_one_message_of_vvtool_that_is_in_no_list_is_read() -> None:
    body = json.dumps({"code": 0, "data": {"msg": {"id": 106, "msg_data": json.dumps(CREATED)}}}).encode()
    assert [(item.receipt, item.id) for item in VVTOOL.read(body).items] == [("0", "45407531231871")]


@pytest.mark.parametrize(
    "root",
    [
        {"qmcs_messages": [RECHARGED]},
        {"qmcs_messages": {"qmcs_message": [RECHARGED]}},
        {"trace": {"id": "t"}, "qmcs_messages_consume_response": {"qmcs_messages": [RECHARGED]}},
    ],
)
def test_qianmis_simplified_forms_are_read_too(root: object) -> None:
    assert [item.id for item in QIANMI.read(json.dumps(root).encode()).items] == [RECHARGED["id"]]


@pytest.mark.parametrize("client", [TAOBAO, QIANMI])
def test_a_confirm_that_is_answered_in_the_simplified_form_is_taken(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform had taken it, and it was tried again and again until the lease was over."""
    account = TaobaoAccount(name="a", gateway=TB) if client is TAOBAO else QianmiAccount(name="a", gateway=QM)
    for success in (b"true", b'"true"', b'"True"', b"1", b'"1"'):
        body = b'{"is_success":%b}' % success
        monkeypatch.setattr(http, "post", lambda *_, body=body, **__: http.HttpReply(200, body))
        client.confirm(account, ["1"])


def test_the_name_of_qianmis_response_does_not_matter() -> None:
    body = json.dumps({"request_id": "r", "renamed": {"qmcs_messages": [RECHARGED]}}).encode()
    assert [item.id for item in QIANMI.read(body).items] == ["MU20150428094534689"]


@pytest.mark.parametrize("cut", [1, 5, 60, 400, 600, 700, 900, 1100])
def test_what_vvtool_sent_before_a_cut_is_not_lost(cut: int) -> None:
    """Its messages never come again: the whole ones are read, and the torn one is kept for a person to see."""
    rows = [{**CREATED, "id": number} for number in range(3)]
    body = vvtool(*rows)
    whole = [text for number in range(3) if (text := json.dumps(json.dumps(rows[number])).encode()) in body[:-cut]]
    reply = VVTOOL.read(body[:-cut])
    assert [(item.receipt, item.id) for item in reply.items] == [(str(n), str(n)) for n in range(len(whole))]
    assert [spoilt.receipt for spoilt in reply.spoilt] == ([str(len(whole))] if len(whole) < 3 else [])
    assert reply.points == 1


def test_a_row_that_breaks_vvtools_json_costs_itself_and_no_other() -> None:
    """A quote that nobody escaped: all that stands before and behind it is read, however long."""
    rows = [{**CREATED, "id": number, "content": "x" * 40_000} for number in range(6)]
    body = vvtool(*rows).replace(rb"\"id\": 2", rb'"id\": 2')
    reply = VVTOOL.read(body)
    assert [(item.receipt, item.id) for item in reply.items] == [(n, n) for n in "01345"]
    assert [spoilt.receipt for spoilt in reply.spoilt] == ["2"]
    assert "x" * 40_000 in reply.spoilt[0].raw


@pytest.mark.parametrize(
    "body", [b'{"code":0,"data":{"msg":[', b'{"code":0,"msg":"\xe6', b'{"code":0,"data":{"msg":[]']
)
def test_a_cut_before_the_first_message_is_a_malformed_reply(body: bytes) -> None:
    with pytest.raises(MalformedReply):
        VVTOOL.read(body)


NOTICE = b"<br />\n<b>Notice</b>: Undefined index {x} in <b>/www/a.php</b> on line <b>5</b><br />\n"


@pytest.mark.parametrize(
    ("before", "behind"),
    [(NOTICE, b""), (b"", NOTICE), (NOTICE, NOTICE), (b"", b"\0\n"), (b"back(", b");")],
    ids=["before", "behind", "both", "zeros", "a call"],
)
def test_what_vvtool_says_among_a_notice_of_php_is_heard(before: bytes, behind: bytes) -> None:
    """Every poll that brings nothing would be a dead letter, and whoever is refused would be polled on."""
    assert VVTOOL.read(before + vvtool() + behind) == VVTOOL.read(vvtool())
    with pytest.raises(Unauthorised, match="302") as raised:
        VVTOOL.read(before + b'{"code":302,"data":{"url":"http://vv.example/a"}}' + behind)
    assert "http://vv.example/a" in raised.value.remedy


@pytest.mark.parametrize("body", [NOTICE, NOTICE + b'{"code":0,"data":{"msg":[]', NOTICE + vvtool() + b'"msg_data":"'])
def test_among_a_notice_nothing_is_taken_for_empty_that_may_not_be(body: bytes) -> None:
    with pytest.raises(MalformedReply):
        VVTOOL.read(body)


def test_a_php_list_with_gaps_is_still_a_list() -> None:
    rows = {"0": {"msg_data": json.dumps(CREATED)}, "2": {"msg_data": json.dumps({**CREATED, "id": 2})}}
    reply = VVTOOL.read(json.dumps({"code": 0, "data": {"msg": rows}}).encode())
    assert [(item.receipt, item.id) for item in reply.items] == [("0", "45407531231871"), ("1", "2")]


@pytest.mark.parametrize(
    ("cost", "points"),
    [
        (1, 1),
        (11, 11),
        (0, 0),
        (0.5, 1),
        (-1, 0),
        (True, 0),
        ("2", 2),
        ("0.5", 1),
        ("many", 0),
        ("", 0),
        (None, 0),
        (1e300, 0),
        (float("nan"), 0),
    ],
)
def test_the_price_of_a_call(cost: object, points: int) -> None:
    assert VVTOOL.read(vvtool(withholding_money=cost)).points == points


@pytest.mark.parametrize(
    ("row", "receipt", "reason"),
    [
        (None, "", "the item is missing"),
        (7, "", "the item is a JSON int"),
        ([], "", "the item is a JSON list"),
        (taobao_row(id=...), "", "the id is missing"),
        (taobao_row(id=""), "", "the id is empty"),
        (taobao_row(id=1e18), "", "the id is a JSON float"),
        (taobao_row(id=True), "", "the id is a JSON bool"),
        (taobao_row(id=[1]), "", "the id is a JSON list"),
        (taobao_row(id="1,2"), "", "the id is no number"),
        (taobao_row(id="٣"), "", "the id is no number"),
        (taobao_row(id=-5), "", "the id is no number"),
        (taobao_row(topic=...), "7104300007405429232", "the topic is missing"),
        (taobao_row(topic=""), "7104300007405429232", "the topic is empty"),
        (taobao_row(topic=3), "7104300007405429232", "the topic is a JSON int"),
        (taobao_row(content=...), "7104300007405429232", "the content is missing"),
        (taobao_row(content=1.5), "7104300007405429232", "the content is a JSON float"),
        (taobao_row(content=False), "7104300007405429232", "the content is a JSON bool"),
        (taobao_row(content={"x": float("nan")}), "7104300007405429232", "the content cannot be written"),
    ],
)
def test_a_broken_row_costs_itself_and_no_other(row: object, receipt: str, reason: str) -> None:
    reply = TAOBAO.read(taobao(taobao_row(id=1), row, taobao_row(id=2)))
    assert [item.id for item in reply.items] == ["1", "2"]
    (spoilt,) = reply.spoilt
    assert spoilt.receipt == receipt
    assert spoilt.reason.startswith(reason)
    assert spoilt.raw == json.dumps(row, ensure_ascii=False)


def test_an_id_with_a_comma_cannot_confirm_others() -> None:
    (spoilt,) = QIANMI.read(qianmi({**RECHARGED, "id": "MU1,MU2"})).spoilt
    assert spoilt == Spoilt("", spoilt.raw, "the id holds a comma")


def test_content_that_came_as_an_object_is_handed_on_as_its_text() -> None:
    (item,) = TAOBAO.read(taobao(taobao_row(content={"tid": 1588826713157361977, "nick": "高"}))).items
    assert item.content == '{"tid":1588826713157361977,"nick":"高"}'


def test_odd_extras_are_left_out_of_a_message() -> None:
    (item,) = TAOBAO.read(taobao(taobao_row(pub_time=[], user_id=1.5, user_nick={}))).items
    assert (item.pub_time, item.user_id, item.user_nick) == ("", "", "")


def test_control_characters_inside_strings_are_kept() -> None:
    (item,) = TAOBAO.read(taobao(taobao_row(content="@")).replace(b"@", b"a\tb\nc\x01")).items
    assert item.content == "a\tb\nc\x01"
    (item,) = QIANMI.read(qianmi({**RECHARGED, "id": "MU\n1", "topic": "a\x1b[31m"})).items
    assert (item.receipt, item.topic) == ("MU\n1", "a\x1b[31m")


def test_bytes_that_are_no_utf8_cost_their_own_message() -> None:
    body = taobao(taobao_row(id=1, content="@"), taobao_row(id=2)).replace(b"@", "高".encode("gbk"))
    reply = TAOBAO.read(body)
    assert [item.id for item in reply.items] == ["2"]
    assert (reply.spoilt[0].receipt, reply.spoilt[0].reason) == ("1", "the content holds bytes that are no UTF-8")
    assert reply.spoilt[0].raw.encode()


def test_half_an_emoji_is_replaced_so_that_the_message_can_be_stored() -> None:
    (item,) = TAOBAO.read(taobao(taobao_row(content="\U0001f600 \ud83d"))).items
    assert item.content == "\U0001f600 \ufffd"


def test_half_an_emoji_in_an_id_is_no_id() -> None:
    assert QIANMI.read(qianmi({**RECHARGED, "id": "\ud83d"})).spoilt[0].receipt == ""


def test_an_endless_number_costs_its_own_message() -> None:
    body = taobao(taobao_row(id=1, content="@"), taobao_row(id=2)).replace(b'"id": 1', b'"id": ' + b"9" * 5000)
    reply = TAOBAO.read(body)
    assert [item.id for item in reply.items] == ["2"]
    assert reply.spoilt[0].reason == "the id is a JSON float, text or a whole number was expected"


def test_what_is_kept_of_a_broken_row_has_an_end() -> None:
    (spoilt,) = QIANMI.read(qianmi({**RECHARGED, "topic": None, "content": "长" * 100_000})).spoilt
    assert 65_530 <= len(spoilt.raw.encode()) <= 65_536


def test_a_byte_order_mark_is_skipped() -> None:
    assert TAOBAO.read(b"\xef\xbb\xbf" + STOCK) == TAOBAO.read(STOCK)


BROKEN = {
    "empty": b"",
    "HTML": b"<html><body>502 Bad Gateway</body></html>",
    "XML": b"<?xml version='1.0'?><error_response><code>22</code></error_response>",
    "cut": STOCK[:200],
    "more than one value": STOCK + STOCK,
    "a list": b"[]",
    "text": b'"ok"',
    "null": b"null",
    "empty object": b"{}",
    "another object": b'{"hello": 1}',
    "an error that lost its mark": b'{"message":"m","subErrors":{"subError":[{"code":"isv.x"}]}}',
    "deep": b'{"code":0,"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "UTF-16": STOCK.decode().encode("utf-16"),
    "binary": bytes(range(256)),
}


@CLIENTS
@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_reply_is_a_malformed_reply_that_quotes_nothing(client: Client, body: bytes) -> None:
    with pytest.raises(MalformedReply) as caught:
        client.read(body)
    assert "Bad Gateway" not in str(caught.value)
    assert "num_iid" not in str(caught.value)


@pytest.mark.parametrize("messages", ["text", 7, 1.5, True, {"other": []}, {"tmc_message": "text"}, {"tmc_message": 7}])
def test_messages_that_are_no_list_are_a_malformed_reply(messages: object) -> None:
    with pytest.raises(MalformedReply):
        TAOBAO.read(json.dumps({"tmc_messages_consume_response": {"messages": messages}}).encode())


@pytest.mark.parametrize(
    "data", ["text", 7, True, {"msg": "text"}, {"msg": 7}, {"msg": {"a": 1}}, {"list": [{"id": 1}]}]
)
def test_vvtool_data_that_is_no_list_is_a_malformed_reply(data: object) -> None:
    with pytest.raises(MalformedReply):
        VVTOOL.read(json.dumps({"code": 0, "data": data}).encode())


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("x" * 70_000),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
ROW = st.dictionaries(st.sampled_from(["id", "topic", "content", "pub_time", "user_id", "msg_data"]), ANY_JSON)
ROWS = st.lists(ROW | ANY_JSON, max_size=4)
NEARLY = st.one_of(
    ANY_JSON,
    st.builds(lambda rows: {"any_response": {"qmcs_messages": {"qmcs_message": rows}}}, ROWS),
    st.builds(lambda rows: {"tmc_messages_consume_response": {"messages": {"tmc_message": rows}}}, ROWS),
    st.builds(lambda rows, cost: {"code": 0, "data": {"msg": rows, "withholding_money": cost}}, ROWS, ANY_JSON),
    st.builds(lambda code, sub: {"errorToken": 1, "code": code, "message": sub, "subErrors": sub}, ANY_JSON, ANY_JSON),
    st.builds(lambda error: {"error_response": error}, ANY_JSON),
    st.builds(lambda code, data: {"code": code, "msg": data, "data": data}, ANY_JSON, ANY_JSON),
)


def read_safely(client: Client, body: bytes) -> None:
    """The property: whatever comes, either a reply that can be stored or an error of the tree that can be logged."""
    try:
        reply = client.read(body)
    except PlatformError as error:
        texts: list[object] = [str(error), error.request_id, getattr(error, "remedy", "")]
    else:
        texts = [text for value in map(asdict, reply.items) for text in value.values()]
        texts += [text for value in map(asdict, reply.spoilt) for text in value.values()]
        assert reply.points >= 0
    assert all(isinstance(text, str) and text.encode("utf-8") is not None for text in texts)


@CLIENTS
@settings(max_examples=150, deadline=None)
@given(body=st.binary())
@example(body=b'{"error_response": {"code": 15, "msg": "\\ud800"}}')
@example(body=b'{"error_response": {"code": 15, "msg": "\xff"}}')
def test_any_bytes_end_in_a_reply_or_a_platform_error(client: Client, body: bytes) -> None:
    read_safely(client, body)


@CLIENTS
@settings(max_examples=150, deadline=None)
@given(value=NEARLY, broken=st.binary(max_size=3), place=st.integers(0, 200))
def test_any_json_with_any_damage_ends_in_a_reply_or_a_platform_error(
    client: Client, value: object, broken: bytes, place: int
) -> None:
    body = json.dumps(value).encode()
    read_safely(client, body)
    read_safely(client, body[:place] + broken + body[place + len(broken) :])
