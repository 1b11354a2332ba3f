"""Steering a running sandbox through `Control`."""

import json
import time

import pytest
import requests

from tasks.sandbox.control import Control, ControlError
from tests.integration.sandbox.calls import post, qianmi_params, top_ids, top_params

EVENT = {"topic": "taobao_trade_TradeBuyerPay", "content": {"tid": 1588826713157361977}}


def test_published_messages_can_be_pulled_and_confirmed_and_the_ledger_tells(sandbox: Control) -> None:
    """The whole way of a message; times are the clock's."""
    before = time.time()
    (id_,) = sandbox.publish("taobao", [EVENT], group="g1")
    assert top_ids(post(sandbox.url, "/router/rest", top_params(group_name="g1"))) == [id_]
    confirm = top_params("taobao.tmc.messages.confirm", group_name="g1", s_message_ids=id_)
    assert post(sandbox.url, "/router/rest", confirm).json()["tmc_messages_confirm_response"]["is_success"] is True
    (row,) = sandbox.ledger("taobao", group="g1")
    assert (row["id"], row["group"], row["leased_then"]) == (id_, "g1", [True])
    times = [before, row["published"], *row["deliveries"], row["confirmed"] or 0, time.time()]
    assert times == sorted(times)
    assert sandbox.ledger("qianmi") == []


def test_ten_thousand_messages_are_published_in_one_request(sandbox: Control) -> None:
    """And read back, all different."""
    started = time.monotonic()
    ids = sandbox.publish("qianmi", [EVENT] * 10_000)
    rows = sandbox.ledger("qianmi")
    assert len(set(ids)) == len(rows) == 10_000
    assert [row["id"] for row in rows] == ids
    assert sandbox.summary()["total"]["waiting"] == 10_000
    assert time.monotonic() < started + 20


def test_big_numbers_and_chinese_pass_unchanged(sandbox: Control) -> None:
    """Through publication and pull."""
    content = {"tid": 9223372036854775807, "price": "0.10", "nick": "雨\t'\"\\", "list": [1.5, None, True]}
    sandbox.publish("taobao", [{"topic": "t", "content": content}])
    (item,) = post(sandbox.url, "/router/rest", top_params()).json()["tmc_messages_consume_response"]["messages"][
        "tmc_message"
    ]
    assert json.loads(item["content"]) == content


def test_faults_can_be_removed_one_by_one_or_all(sandbox: Control) -> None:
    """Ids tell them apart; removing one that is used up is no error."""
    first = sandbox.fault("qianmi", "error", code="1")
    second = sandbox.fault("qianmi", "error", code="7")

    def code() -> str | None:
        answered: str | None = post(sandbox.url, "/api", qianmi_params()).json().get("code")
        return answered

    assert code() == "1"
    sandbox.clear_faults(first)
    assert code() == "7"
    sandbox.clear_faults(first)
    sandbox.clear_faults(second)
    assert code() is None
    sandbox.fault("qianmi", "error", code="1")
    sandbox.clear_faults()
    assert code() is None


def test_switches_change_one_by_one(sandbox: Control) -> None:
    """The others keep their values, also inside lease_seconds."""
    assert sandbox.switches()["lease_seconds"] == {"qianmi": 600, "taobao": 360, "vvtool": None}
    sandbox.switches(lease_seconds={"qianmi": 3})
    values = sandbox.switches(lease_seconds={"taobao": 2}, strict_groups=True)
    assert values["lease_seconds"] == {"qianmi": 3, "taobao": 2, "vvtool": None}
    assert sandbox.switches()["strict_groups"] is True
    sandbox.reset()
    assert sandbox.switches()["strict_groups"] is False


def test_a_lease_of_a_fraction_of_a_second_ends_on_the_real_clock(sandbox: Control) -> None:
    """Then the message comes again."""
    sandbox.switches(lease_seconds={"taobao": 0.3})
    ids = sandbox.publish("taobao", [EVENT])
    pulled = time.monotonic()
    assert top_ids(post(sandbox.url, "/router/rest", top_params())) == ids
    while top_ids(post(sandbox.url, "/router/rest", top_params())) != ids:
        assert time.monotonic() < pulled + 5
    assert time.monotonic() >= pulled + 0.3


def test_apps_counters_and_calls(sandbox: Control) -> None:
    """An app added, a counter set, both seen by a call, the calls listed."""
    assert sandbox.app("taobao", app_key="12345678", sessions=["s1"]) == "12345678"
    sandbox.counter("11", "trade", 7, sub_user_id="22", total=9, last_msg="new")
    count = top_params("taobao.jindoucloud.messagecount.get", session="s1", fields="number,user_id")
    infos = post(sandbox.url, "/router/rest", count).json()["jindoucloud_messagecount_get_response"]["message_infos"]
    assert infos["message_info"] == [{"topic": "trade", "number": 7, "user_id": "11"}]
    old = top_params("taobao.jindoucloud.messagecount.get", session="test-session", fields="number")
    post(sandbox.url, "/router/rest", old)
    first, last = sandbox.calls()
    assert sandbox.calls(1) == [last]
    assert (first["api"], first["code"], first["items"], last["code"]) == ("count", "ok", 1, "27")


@pytest.mark.parametrize(
    ("verb", "path", "body", "reason"),
    [
        ("PUT", "faults", {"platform": "taobao", "kind": "explode"}, "kind"),
        ("PUT", "faults", {"platform": "taobao", "kind": "cut", "app": "nobody"}, "no such app"),
        ("PUT", "switches", {"no_such_switch": 1}, "no_such_switch"),
        ("PUT", "switches", {"lease_seconds": {"taobao": -1}}, "lease_seconds.taobao"),
        ("PUT", "switches", [], "object"),
        ("PUT", "apps", {"platform": "vvtool"}, "token"),
        ("POST", "messages", {"platform": "vvtool", "messages": []}, "shop_id"),
        ("POST", "messages", "text", "body"),
        ("POST", "counters", {"user_id": "me", "topic": "t", "number": 1}, "user_id"),
        ("GET", "ledger?plattform=taobao", None, "plattform"),
        ("GET", "calls?last=ten", None, "ten"),
        ("PATCH", "faults", None, "Method Not Allowed"),
    ],
)
def test_a_wrong_request_is_refused_with_its_reason(
    sandbox: Control, verb: str, path: str, body: object, reason: str
) -> None:
    """Status 4xx, the name of what is wrong, and no change."""
    reply = requests.request(verb, f"{sandbox.url}/sandbox/{path}", json=body, timeout=10)
    assert 400 <= reply.status_code < 500
    assert reason in reply.json()["error"]


def test_a_refusal_is_an_error_that_says_why(sandbox: Control) -> None:
    """What was sent is not repeated in it: it may hold secrets."""
    with pytest.raises(ControlError, match="secret") as caught:
        sandbox.app("taobao", app_key="1", secret=["hush"])
    assert "hush" not in str(caught.value)
