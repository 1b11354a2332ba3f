"""The clients against the simulated platforms: pulling, confirming, counting, and every kind of refusal, over real HTTP."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tasks.accounts import (
    Account,
    Counter,
    QianmiAccount,
    QianmiGateway,
    TaobaoAccount,
    TaobaoGateway,
    VvtoolAccount,
    VvtoolGateway,
)
from tasks.platforms import (
    BadRequest,
    MalformedReply,
    OutOfQuota,
    PlatformError,
    Reading,
    Reply,
    Throttled,
    Transient,
    Unauthorised,
)
from tasks.platforms.clients import client_for
from tasks.platforms.signing import SignMethod
from tasks.sandbox.control import Control

CONTENT = {"tid": 1588826713157361977, "buyer_nick": "雨洁", "payment": "48.00"}

Made = Callable[[Control], Account]


def taobao(
    sandbox: Control, sign_method: SignMethod = "hmac-sha256", secret: str = "helloworld", **rest: Any
) -> Account:
    gateway = TaobaoGateway(name="tb", app_key="12345678", app_secret=secret, sign_method=sign_method, url=sandbox.url)
    return TaobaoAccount(name="shop-1", gateway=gateway, **rest)


def qianmi(sandbox: Control, secret: str = "helloworld", token: str | None = None, **rest: Any) -> Account:
    gateway = QianmiGateway(name="qm", app_key="10000001", app_secret=secret, access_token=token, url=sandbox.url)
    return QianmiAccount(name="seller-3", gateway=gateway, **rest)


def vvtool(sandbox: Control, token: str = "test-token", **rest: Any) -> Account:
    gateway = VvtoolGateway(name="vv", token=token, url=sandbox.url)
    return VvtoolAccount(name="shop-2", gateway=gateway, shop_id="123", **rest)


PLATFORMS = pytest.mark.parametrize("made", [qianmi, taobao, vvtool])


def publish(sandbox: Control, account: Account, count: int = 1, topic: str = "t") -> list[str]:
    platform = account.gateway.platform
    place = {"shop_id": account.shop_id} if isinstance(account, VvtoolAccount) else {}
    if isinstance(account, TaobaoAccount | QianmiAccount):
        place = {"group": account.group or ""}
    return sandbox.publish(platform, [{"topic": topic, "content": CONTENT}] * count, **place)


def pull(account: Account) -> Reply:
    return client_for(account.gateway).pull(account)


def failure(call: Callable[[], object]) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("sign_method", ["md5", "hmac", "hmac-sha256"])
@pytest.mark.parametrize("group", [None, "分组A"])
def test_taobao_is_pulled_and_confirmed(sandbox: Control, sign_method: SignMethod, group: str | None) -> None:
    account = taobao(sandbox, sign_method, group=group)
    ids = publish(sandbox, account, 3)
    reply = pull(account)
    assert [item.id for item in reply.items] == ids
    assert json.loads(reply.items[0].content) == CONTENT
    client_for(account.gateway).confirm(account, [item.receipt for item in reply.items[:2]])
    assert [row["confirmed"] is not None for row in sandbox.ledger("taobao")] == [True, True, False]


@pytest.mark.parametrize("token", [None, "test-token"])
@pytest.mark.parametrize("group", [None, "A854800"])
def test_qianmi_is_pulled_and_confirmed(sandbox: Control, token: str | None, group: str | None) -> None:
    account = qianmi(sandbox, token=token, group=group)
    ids = publish(sandbox, account, 3)
    reply = pull(account)
    assert [item.id for item in reply.items] == ids
    assert json.loads(reply.items[0].content) == CONTENT
    client_for(account.gateway).confirm(account, [item.receipt for item in reply.items[:2]])
    assert [row["confirmed"] is not None for row in sandbox.ledger("qianmi")] == [True, True, False]


def test_vvtool_is_pulled_for_points(sandbox: Control) -> None:
    account = vvtool(sandbox)
    ids = publish(sandbox, account, 3)
    reply = pull(account)
    assert [item.id for item in reply.items] == ids
    assert [item.receipt for item in reply.items] == ["0", "1", "2"]
    assert json.loads(reply.items[0].content) == CONTENT
    assert reply.points == 1
    assert pull(account) == Reply()


def test_vvtool_pulls_one_topic_when_told(sandbox: Control) -> None:
    account = vvtool(sandbox, topic="wanted", edition=3)
    publish(sandbox, account, topic="other")
    publish(sandbox, account, topic="wanted")
    assert [item.topic for item in pull(account).items] == ["wanted"]


@pytest.mark.parametrize("form", ["msg", "list", "null", "absent"])
def test_vvtools_empty_queue_in_every_form(sandbox: Control, form: str) -> None:
    sandbox.switches(vvtool_empty=form)
    assert len(pull(vvtool(sandbox))) == 0


@pytest.mark.parametrize("switches", [{"taobao_empty": "absent"}, {"taobao_empty": "object"}])
def test_taobaos_empty_queue_in_every_form(sandbox: Control, switches: dict[str, str]) -> None:
    sandbox.switches(**switches)
    assert pull(taobao(sandbox)) == Reply()


@pytest.mark.parametrize("form", ["absent", "array"])
def test_qianmis_empty_queue_in_every_form(sandbox: Control, form: str) -> None:
    sandbox.switches(qianmi_empty=form)
    assert pull(qianmi(sandbox)) == Reply()


def test_full_batches_are_confirmed_in_one_call(sandbox: Control) -> None:
    for account, limit in ((taobao(sandbox, quantity=200), 200), (qianmi(sandbox, quantity=100), 100)):
        publish(sandbox, account, limit)
        client = client_for(account.gateway)
        client.confirm(account, [item.receipt for item in client.pull(account).items])
        assert all(row["confirmed"] for row in sandbox.ledger(account.gateway.platform))


def test_the_counter_is_read_without_taking_anything(sandbox: Control) -> None:
    sandbox.counter("11", "item", 10, sub_user_id="22", total=12, last_msg="m")
    counter = Counter(topics=("item",), user_ids=("11:22",), type=4, need_detail=True, client_info="type=IPHONE")
    account = taobao(sandbox, session="test-session", counter=counter)
    publish(sandbox, account)
    assert client_for(account.gateway).count(account) == (Reading("item", 10, 12, "11", "22", "m"),)
    assert len(pull(account)) == 1


def test_a_counter_with_an_expired_session_names_it(sandbox: Control) -> None:
    account = taobao(sandbox, session="expired", counter=Counter(topics=("item",)))
    error = failure(lambda: client_for(account.gateway).count(account))
    assert isinstance(error, Unauthorised)
    assert (error.scope, error.code) == ("account", "27")
    assert "accounts.shop-1.session" in error.remedy


@pytest.mark.parametrize(
    ("made", "code", "setting"),
    [
        (lambda sandbox: taobao(sandbox, secret="wrong"), "25", "gateways.tb.app_secret"),
        (lambda sandbox: qianmi(sandbox, secret="wrong"), "25", "gateways.qm.app_secret"),
        (lambda sandbox: vvtool(sandbox, token="wrong"), "401", "gateways.vv.token"),
    ],
    ids=["taobao", "qianmi", "vvtool"],
)
@pytest.mark.parametrize("http_status", [False, True])
def test_wrong_credentials_concern_the_gateway(
    sandbox: Control, made: Made, code: str, setting: str, http_status: bool
) -> None:
    sandbox.switches(vvtool_http_status=http_status)
    error = failure(lambda: pull(made(sandbox)))
    assert isinstance(error, Unauthorised)
    assert (error.scope, error.code) == ("gateway", code)
    assert setting in error.remedy


@PLATFORMS
def test_a_shop_without_authorisation_concerns_its_account(sandbox: Control, made: Made) -> None:
    account = made(sandbox)
    sandbox.fault(account.gateway.platform, "unauthorised_shop")
    error = failure(lambda: pull(account))
    assert (type(error), error.scope) == (Unauthorised, "account")
    if isinstance(account, VvtoolAccount) and isinstance(error, Unauthorised):
        assert "http://127.0.0.1/authorise" in error.remedy


def test_a_ban_of_taobao_says_how_long(sandbox: Control) -> None:
    sandbox.fault("taobao", "ban", seconds=40, count=1)
    error = failure(lambda: pull(taobao(sandbox)))
    assert isinstance(error, Throttled)
    assert 30 <= error.seconds <= 41


def test_a_spent_day_says_until_when(sandbox: Control) -> None:
    sandbox.app("taobao", app_key="12345678", secret="helloworld", calls_per_day=1)
    sandbox.app("qianmi", app_key="10000001", secret="helloworld", calls_per_day=1)
    for account in (taobao(sandbox), qianmi(sandbox)):
        pull(account)
        error = failure(lambda account=account: pull(account))  # type: ignore[misc]
        assert isinstance(error, OutOfQuota)
        assert error.scope == "gateway"
        assert 0 < error.until - time.time() <= 86_401


def test_too_many_calls_a_second_are_throttled(sandbox: Control) -> None:
    sandbox.app("taobao", app_key="12345678", secret="helloworld", calls_per_second=1)
    sandbox.app("qianmi", app_key="10000001", secret="helloworld", calls_per_second=1)
    sandbox.app("vvtool", token="test-token", calls_per_second=1)
    for account in (taobao(sandbox), qianmi(sandbox), vvtool(sandbox)):
        pull(account)
        assert isinstance(failure(lambda account=account: pull(account)), Throttled)  # type: ignore[misc]


def test_vvtools_spent_points_are_for_a_person(sandbox: Control) -> None:
    sandbox.app("vvtool", token="test-token", points_per_day=1)
    account = vvtool(sandbox)
    publish(sandbox, account)
    pull(account)
    error = failure(lambda: pull(account))
    assert (type(error), error.scope, error.code) == (Unauthorised, "gateway", "204")


@PLATFORMS
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "http", "status": 503}, Transient),
        ({"kind": "http", "status": 429}, Throttled),
        ({"kind": "cut"}, Transient),
        ({"kind": "cut_after"}, Transient),
        ({"kind": "garbage", "form": "html"}, MalformedReply),
        ({"kind": "garbage", "form": "bytes"}, MalformedReply),
    ],
    ids=["503", "429", "cut", "cut after", "html", "bytes"],
)
def test_a_broken_way_to_the_platform(
    sandbox: Control, made: Made, fault: dict[str, Any], kind: type[PlatformError]
) -> None:
    account = made(sandbox)
    sandbox.fault(account.gateway.platform, count=1, **fault)
    assert type(failure(lambda: pull(account))) is kind
    assert pull(account) == Reply()


def test_a_truncated_reply_of_vvtool_loses_no_message_unseen(sandbox: Control) -> None:
    account = vvtool(sandbox)
    ids = publish(sandbox, account, 5)
    sandbox.fault("vvtool", "garbage", form="truncated", count=1)
    reply = pull(account)
    assert [item.id for item in reply.items] == ids[: len(reply.items)]
    assert len(reply.items) >= 1
    assert len(reply.spoilt) == 1


@pytest.mark.parametrize("made", [qianmi, taobao])
def test_a_lost_reply_to_a_confirm_can_be_repeated(sandbox: Control, made: Made) -> None:
    account = made(sandbox)
    publish(sandbox, account)
    (item,) = pull(account).items
    sandbox.fault(account.gateway.platform, "cut_after", count=1)
    client = client_for(account.gateway)
    assert type(failure(lambda: client.confirm(account, [item.receipt]))) is Transient
    client.confirm(account, [item.receipt])
    assert sandbox.ledger(account.gateway.platform)[0]["confirmed"] is not None


@PLATFORMS
@pytest.mark.parametrize("kind", ["wrong_types", "undecodable", "duplicate", "reorder"])
def test_an_odd_message_costs_no_other(sandbox: Control, made: Made, kind: str) -> None:
    account = made(sandbox)
    ids = publish(sandbox, account, 3)
    sandbox.fault(account.gateway.platform, kind, count=1)
    reply = pull(account)
    assert set(ids[1:]) <= {item.id for item in reply.items}
    assert len(reply) == (4 if kind == "duplicate" else 3)
    assert all(spoilt.receipt for spoilt in reply.spoilt)


def test_raw_control_characters_of_taobao_are_read(sandbox: Control) -> None:
    account = taobao(sandbox)
    publish(sandbox, account)
    sandbox.fault("taobao", "raw_control_chars", count=1)
    (item,) = pull(account).items
    assert json.loads(item.content) == CONTENT


@pytest.mark.parametrize("form", ["array", "doc"])
def test_qianmis_sub_errors_in_both_forms(sandbox: Control, form: str) -> None:
    sandbox.switches(qianmi_sub_errors=form, strict_groups=True)
    error = failure(lambda: pull(qianmi(sandbox, group="unknown")))
    assert (type(error), error.code, error.sub_code) == (BadRequest, "33", "isv.invalid-paramete:group_name")


@pytest.mark.parametrize("remote", [15, 50])
def test_a_group_that_taobao_does_not_know_is_a_bad_request(sandbox: Control, remote: int) -> None:
    sandbox.switches(taobao_remote_error=remote, strict_groups=True)
    error = failure(lambda: pull(taobao(sandbox, group="unknown")))
    assert (type(error), error.sub_code) == (BadRequest, "isv.invalid-parameter")
    assert error.request_id
