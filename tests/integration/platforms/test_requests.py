"""What each call sends, to the letter: signed requests against vectors, and what is left out."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from tasks.accounts import (
    Counter,
    QianmiAccount,
    QianmiGateway,
    TaobaoAccount,
    TaobaoGateway,
    VvtoolAccount,
    VvtoolGateway,
)
from tasks.platforms import BadRequest, Client, Declined, MalformedReply, PlatformError, Reading, Unauthorised
from tasks.platforms.clients import client_for
from tasks.platforms.signing import SignMethod
from tests.integration.platforms.scripted_server import Server, reply, serving

THEN = datetime(2016, 1, 1, 4, tzinfo=UTC)
"""2016-01-01 12:00:00 in GMT+8, when the vectors were signed."""

CONFIRMED = b'{"any_confirm_response":{"is_success":true},"tmc_messages_confirm_response":{"is_success":true}}'


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(reply(CONFIRMED)) as told:
        yield told


def taobao(server: Server, sign_method: SignMethod = "md5") -> TaobaoGateway:
    return TaobaoGateway(
        name="tb", app_key="12345678", app_secret="helloworld", sign_method=sign_method, url=server.url
    )


def qianmi(server: Server, access_token: str | None = None) -> QianmiGateway:
    return QianmiGateway(
        name="qm", app_key="10000001", app_secret="helloworld", access_token=access_token, url=server.url
    )


def vvtool(server: Server) -> VvtoolGateway:
    return VvtoolGateway(name="vv", token="test-token", url=server.url)


COUNTER = Counter(
    fields=("topic", "number", "last_msg", "user_id", "sub_user_id", "total"),
    need_detail=True,
    type=4,
    user_ids=("123:456",),
)


@pytest.mark.parametrize(
    ("method", "sign"),
    [
        ("md5", "4DAFC80500EF49A441766B8AD93FFFBE"),
        ("hmac", "32BBE3378B5FDA630C6F961D419E7DCF"),
        ("hmac-sha256", "40FFADC933404CC78DC5F3B6E326FFA0905FB87FA7DB380295CFB7CD076B04F6"),
    ],
)
def test_a_pull_from_taobao(server: Server, method: SignMethod, sign: str) -> None:
    gateway = taobao(server, method)
    server.script = reply(b'{"tmc_messages_consume_response":{}}')
    with time_machine.travel(THEN):
        client_for(gateway).pull(TaobaoAccount(name="shop-1", gateway=gateway, group="分组A", session="not-sent"))
    assert server.requests[0].path == "/router/rest"
    assert server.requests[0].form == {
        "method": "taobao.tmc.messages.consume",
        "app_key": "12345678",
        "timestamp": "2016-01-01 12:00:00",
        "format": "json",
        "v": "2.0",
        "sign_method": method,
        "group_name": "分组A",
        "quantity": "100",
        "sign": sign,
    }


@time_machine.travel(THEN)
def test_a_confirm_to_taobao(server: Server) -> None:
    gateway = taobao(server)
    account = TaobaoAccount(name="shop-1", gateway=gateway)
    client_for(gateway).confirm(account, ["7104300007405429232", "7104300007405429233"])
    form = server.requests[0].form
    assert form["s_message_ids"] == "7104300007405429232,7104300007405429233"
    assert form["sign"] == "C86FBF100B9AB43B0AD30FB63F6BCE5B"
    assert "group_name" not in form


def test_a_confirm_to_taobao_names_the_group_of_the_pull(server: Server) -> None:
    gateway = taobao(server)
    client_for(gateway).confirm(TaobaoAccount(name="shop-1", gateway=gateway, group="g1"), ["1"])
    assert server.requests[0].form["group_name"] == "g1"


def test_a_count_at_taobao(server: Server) -> None:
    gateway = taobao(server)
    account = TaobaoAccount(name="shop-1", gateway=gateway, session="test", counter=COUNTER)
    rows = b'{"topic":"item","last_msg":"m","number":10,"user_id":"111","sub_user_id":"112","total":11},{"topic":"t"}'
    server.script = reply(
        b'{"jindoucloud_messagecount_get_response":{"message_infos":{"message_info":[' + rows + b"]}}}"
    )
    with time_machine.travel(THEN):
        readings = client_for(gateway).count(account)
    assert readings == (Reading("item", 10, 11, "111", "112", "m"), Reading("t", 0))
    assert server.requests[0].form == {
        "method": "taobao.jindoucloud.messagecount.get",
        "app_key": "12345678",
        "timestamp": "2016-01-01 12:00:00",
        "format": "json",
        "v": "2.0",
        "sign_method": "md5",
        "session": "test",
        "fields": "topic,number,last_msg,user_id,sub_user_id,total",
        "need_detail": "true",
        "type": "4",
        "user_ids": "123:456",
        "sign": "8964773D7001C7EC561FB9DDF1BA8E6D",
    }


def test_a_count_sends_every_parameter_that_is_set(server: Server) -> None:
    gateway = taobao(server)
    counter = Counter(topics=("item", "trade"), client_info="type=IPHONE&version=1.4", fields=("number",))
    server.script = reply(b'{"jindoucloud_messagecount_get_response":{"message_infos":{}}}')
    account = TaobaoAccount(name="shop-1", gateway=gateway, session="test", counter=counter)
    assert client_for(gateway).count(account) == ()
    form = server.requests[0].form
    assert (form["topic"], form["client_info"], form["fields"]) == ("item,trade", "type=IPHONE&version=1.4", "number")
    assert form["need_detail"] == "false"
    assert not {"type", "user_ids"} & form.keys()


@pytest.mark.parametrize("number", ["null", "7", '"7"'])
def test_a_counters_number_may_be_text_or_left_out(server: Server, number: str) -> None:
    gateway = taobao(server)
    account = TaobaoAccount(name="shop-1", gateway=gateway, session="test", counter=COUNTER)
    row = f'[{{"topic":"item","number":{number}}}]'
    server.script = reply(f'{{"jindoucloud_messagecount_get_response":{{"message_infos":{row}}}}}'.encode())
    assert client_for(gateway).count(account) == (Reading("item", 0 if number == "null" else 7),)


@pytest.mark.parametrize(
    "rows",
    [
        "[7]",
        '[{"number":true}]',
        '[{"number":"many"}]',
        '[{"number":-1}]',
        '[{"number":1e400}]',
        '[{"number":"' + "9" * 5000 + '"}]',
        '"x"',
        '{"a":1}',
    ],
)
def test_a_broken_row_of_the_counter_is_a_malformed_reply(server: Server, rows: str) -> None:
    gateway = taobao(server)
    account = TaobaoAccount(name="shop-1", gateway=gateway, session="test", counter=COUNTER)
    server.script = reply(f'{{"jindoucloud_messagecount_get_response":{{"message_infos":{rows}}}}}'.encode())
    with pytest.raises(MalformedReply):
        client_for(gateway).count(account)


def test_a_count_without_a_session_says_what_to_set(server: Server) -> None:
    gateway = taobao(server)
    plain = TaobaoAccount(name="shop-1", gateway=gateway)
    with pytest.raises(BadRequest, match=r"accounts\.shop-1 has no counter"):
        client_for(gateway).count(plain)
    with pytest.raises(Unauthorised) as caught:
        client_for(gateway).count(plain.model_copy(update={"counter": COUNTER}))
    assert "accounts.shop-1.session" in caught.value.remedy
    assert caught.value.scope == "account"
    assert server.requests == []


@time_machine.travel(THEN)
def test_a_pull_from_qianmi(server: Server) -> None:
    gateway = qianmi(server)
    client_for(gateway).pull(QianmiAccount(name="seller-3", gateway=gateway, quantity=50))
    assert server.requests[0].path == "/api"
    assert server.requests[0].form == {
        "method": "qianmi.qmcs.messages.consume",
        "appKey": "10000001",
        "timestamp": "2016-01-01 12:00:00",
        "format": "json",
        "v": "1.1",
        "quantity": "50",
        "sign": "CBFDA3F68EC0F16335FAF96274E1A2261B024E00",
    }


def test_a_pull_from_qianmi_names_its_group(server: Server) -> None:
    gateway = qianmi(server)
    client_for(gateway).pull(QianmiAccount(name="seller-3", gateway=gateway, group="A854800"))
    assert server.requests[0].form["group_name"] == "A854800"


@time_machine.travel(THEN)
def test_a_confirm_to_qianmi_with_a_token(server: Server) -> None:
    gateway = qianmi(server, access_token="test-token")
    ids = ["MU20150428094534689", "MU20150428094534690"]
    client_for(gateway).confirm(QianmiAccount(name="seller-3", gateway=gateway, group="A854800"), ids)
    form = server.requests[0].form
    assert form["sign"] == "DB76EA5576D8E0295ED1F91F5457ED83C8CDF07D"
    assert form["access_token"] == "test-token"
    assert "group_name" not in form


def test_a_pull_from_vvtool(server: Server) -> None:
    gateway = vvtool(server)
    server.script = reply(b'{"code":0,"data":[]}')
    topic = "taobao_trade_TradeSellerShip"
    plain = VvtoolAccount(name="shop-2", gateway=gateway, shop_id="123")
    client_for(gateway).pull(plain)
    client_for(gateway).pull(plain.model_copy(update={"topic": topic, "edition": 2, "quantity": 20}))
    first, second = server.requests
    assert first.path == "/tool/erps/tbconsume"
    assert first.headers["Authorization"] == "Bearer test-token"
    assert first.form == {"shop_id": "123", "quantity": "100", "vvtype": "1"}
    assert second.form == {"shop_id": "123", "quantity": "20", "vvtype": "2", "msg_type": topic}


@pytest.mark.parametrize(("platform", "limit"), [("qianmi", 100), ("taobao", 200)])
def test_a_confirm_takes_one_to_its_limit(server: Server, platform: str, limit: int) -> None:
    client: Client
    account: TaobaoAccount | QianmiAccount
    if platform == "qianmi":
        account = QianmiAccount(name="a", gateway=qianmi(server))
    else:
        account = TaobaoAccount(name="a", gateway=taobao(server))
    client = client_for(account.gateway)
    assert client.confirm_limit == limit
    for count in (0, limit + 1):
        with pytest.raises(ValueError, match=f"{count} receipts, one call confirms 1 to {limit}"):
            client.confirm(account, ["1"] * count)
    assert server.requests == []
    client.confirm(account, ["1"] * limit)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("success", "kind"),
    [
        ("false", Declined),
        ('"false"', Declined),
        ("0", Declined),
        ("null", MalformedReply),
        ("[]", MalformedReply),
        ("2", MalformedReply),
    ],
)
def test_a_confirm_that_was_not_done_is_an_error(server: Server, success: str, kind: type[PlatformError]) -> None:
    server.script = reply(f'{{"tmc_messages_confirm_response":{{"is_success":{success},"request_id":"r1"}}}}'.encode())
    for account in (
        QianmiAccount(name="a", gateway=qianmi(server)),
        TaobaoAccount(name="a", gateway=taobao(server)),
    ):
        with pytest.raises(PlatformError) as caught:
            client_for(account.gateway).confirm(account, ["1"])
        assert (type(caught.value), caught.value.request_id) == (kind, "r1")


@pytest.mark.parametrize("success", ["true", '"true"'])
def test_a_confirm_that_was_done_says_nothing(server: Server, success: str) -> None:
    server.script = reply(f'{{"renamed_response":{{"is_success":{success}}}}}'.encode())
    account = QianmiAccount(name="a", gateway=qianmi(server))
    client_for(account.gateway).confirm(account, ["1"])
    assert len(server.requests) == 1


def test_what_a_platform_does_not_have_is_refused_without_a_call(server: Server) -> None:
    shop = VvtoolAccount(name="shop-2", gateway=vvtool(server), shop_id="123")
    with pytest.raises(BadRequest, match=r"accounts\.shop-2 is settled in the inbox"):
        client_for(shop.gateway).confirm(shop, ["0"])
    for account in (shop, QianmiAccount(name="seller-3", gateway=qianmi(server))):
        with pytest.raises(BadRequest, match="has no counter"):
            client_for(account.gateway).count(account)
    assert server.requests == []


def test_an_account_of_another_platform_is_a_mistake_of_the_caller(server: Server) -> None:
    with pytest.raises(TypeError, match=r"accounts\.a is a QianmiAccount, a TaobaoAccount was expected"):
        client_for(taobao(server)).pull(QianmiAccount(name="a", gateway=qianmi(server)))


def test_changed_credentials_are_used_at_once(server: Server) -> None:
    server.script = reply(b'{"code":0,"data":[]}')
    for token in ("first", "second"):
        gateway = VvtoolGateway(name="vv", token=token, url=server.url)
        client_for(gateway).pull(VvtoolAccount(name="shop-2", gateway=gateway, shop_id="123"))
    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer first", "Bearer second"]


def test_an_error_names_the_account_to_mend(server: Server) -> None:
    gateway = taobao(server)
    server.script = reply(b'{"error_response":{"code":27,"msg":"Invalid session"}}')
    with pytest.raises(Unauthorised) as caught:
        client_for(gateway).pull(TaobaoAccount(name="shop-1", gateway=gateway))
    assert "accounts.shop-1.session" in caught.value.remedy
