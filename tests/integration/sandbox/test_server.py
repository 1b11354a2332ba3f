"""The sandbox over real HTTP: forms of requests, packed replies, faults of the connection."""

import gzip
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tasks.sandbox.control import Control
from tests.integration.sandbox.calls import BEARER, post, qianmi_params, top_ids, top_params

EVENT = {"topic": "taobao_trade_TradeBuyerPay", "content": {"tid": 1, "buyer_nick": "雨"}}
VV = "/tool/erps/tbconsume"


def test_parameters_may_stand_in_query_or_body_or_both(sandbox: Control) -> None:
    """The signature is over all of them, decoded: a timestamp has a space, a group may be Chinese."""
    sandbox.publish("taobao", [EVENT], group="分组A")
    params = top_params(group_name="分组A", quantity="10")
    system = {name: value for name, value in params.items() if name not in {"group_name", "quantity"}}
    business = {name: params[name] for name in ("group_name", "quantity")}
    parts: dict[str, tuple[None, str]] = {name: (None, value) for name, value in params.items()}
    path = f"{sandbox.url}/router/rest"
    replies = [
        requests.get(path, params=params, timeout=10),
        requests.post(path, params=system, data=business, timeout=10),
        requests.post(path, data=params, timeout=10),
        requests.post(path, files=parts, timeout=10),
    ]
    assert [len(top_ids(reply)) for reply in replies] == [1, 0, 0, 0]


def test_an_upload_takes_no_part_in_the_signature(sandbox: Control) -> None:
    """As the SDKs sign."""
    form: dict[str, Any] = {name: (None, value) for name, value in qianmi_params().items()}
    reply = requests.post(f"{sandbox.url}/api", files={**form, "picture": ("p.png", b"\x89PNG")}, timeout=10)
    assert reply.json() == {"qmcs_messages_consume_response": {}}


@pytest.mark.parametrize("form", ["data", "json", "files", "params"])
def test_vvtool_takes_every_form_of_body(sandbox: Control, form: str) -> None:
    """Multipart in its samples; urlencoded and JSON, with numbers, in its clients."""
    sandbox.publish("vvtool", [EVENT], shop_id="123")
    fields = {"shop_id": "123", "quantity": "10"}
    arguments: dict[str, Any] = {"data": fields, "json": {**fields, "quantity": 10}, "params": fields}
    arguments["files"] = {name: (None, value) for name, value in fields.items()}
    reply = requests.request("POST", sandbox.url + VV, headers=BEARER, timeout=10, **{form: arguments[form]})
    assert len(reply.json()["data"]["msg"]) == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{not json", "application/json"),
        (b"[1]", "application/json"),
        (b"\xff\xfe=%zz&&;", "application/x-www-form-urlencoded"),
        (b"no boundary", "multipart/form-data"),
        (b"--b\r\nbroken", "multipart/form-data; boundary=b"),
        (b"", "text/plain"),
    ],
)
def test_a_body_that_is_no_form_is_a_wrong_call_not_a_crash(sandbox: Control, body: bytes, content_type: str) -> None:
    """The platform answers in its own way that something is missing."""
    headers = {**BEARER, "Content-Type": content_type}
    assert requests.post(sandbox.url + VV, data=body, headers=headers, timeout=10).json()["code"] == 100
    reply = requests.post(f"{sandbox.url}/api", data=body, headers=headers, timeout=10)
    assert reply.json()["code"] == "22"


def test_taobao_replies_are_packed_when_asked(sandbox: Control) -> None:
    """Long ones; not for a client that does not ask, and not on Qianmi, of which nobody says so."""
    sandbox.publish("taobao", [EVENT] * 200)
    packed = post(sandbox.url, "/router/rest", top_params(), headers={"Accept-Encoding": "gzip"}, stream=True)
    raw = packed.raw.read(decode_content=False)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(raw).count(b"TradeBuyerPay") == 100
    plain = post(sandbox.url, "/router/rest", top_params(), headers={"Accept-Encoding": "identity"})
    assert len(top_ids(plain)) == 100
    assert "Content-Encoding" not in plain.headers
    sandbox.publish("qianmi", [EVENT] * 100)
    other = post(sandbox.url, "/api", qianmi_params(), headers={"Accept-Encoding": "gzip"})
    assert len(other.content) > 10_000
    assert "Content-Encoding" not in other.headers


def test_a_cut_connection_brings_no_reply(sandbox: Control) -> None:
    """`cut` before the call took effect, `cut_after` after it."""
    sandbox.publish("taobao", [EVENT])
    for kind, deliveries in (("cut", 0), ("cut_after", 1)):
        sandbox.fault("taobao", kind, count=1)
        with pytest.raises(requests.ConnectionError):
            post(sandbox.url, "/router/rest", top_params())
        assert len(sandbox.ledger()[0]["deliveries"]) == deliveries
    assert top_ids(post(sandbox.url, "/router/rest", top_params())) == []


def test_a_slow_call_keeps_no_other_waiting(sandbox: Control) -> None:
    """Its effect is there at once, its reply late."""
    sandbox.publish("taobao", [EVENT])
    sandbox.fault("taobao", "slow", seconds=1.5, count=1)
    with ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        slow = pool.submit(post, sandbox.url, "/router/rest", top_params())
        while not sandbox.ledger()[0]["deliveries"]:
            assert not slow.done()
        assert top_ids(post(sandbox.url, "/router/rest", top_params())) == []
        assert not slow.done()
        assert len(top_ids(slow.result(20))) == 1
        assert time.monotonic() >= started + 1.5


def test_http_faults_have_their_status(sandbox: Control) -> None:
    """With a page instead of JSON."""
    sandbox.fault("vvtool", "http", status=502, count=1)
    reply = post(sandbox.url, VV, {"shop_id": "123"}, headers=BEARER)
    assert (reply.status_code, reply.headers["Content-Type"]) == (502, "text/html")


def test_raw_control_characters_reach_the_client(sandbox: Control) -> None:
    """A quirk of Taobao."""
    sandbox.publish("taobao", [EVENT])
    sandbox.fault("taobao", "raw_control_chars", count=1)
    assert b'"{\n\t' in post(sandbox.url, "/router/rest", top_params()).content


def test_other_addresses_are_not_there(sandbox: Control) -> None:
    """vv-tool says so in its own way, the rest in HTTP's."""
    assert post(sandbox.url, "/tool/erps/tbconfirm", {}, headers=BEARER).json()["code"] == 404
    assert requests.get(f"{sandbox.url}/router", timeout=10).status_code == 404
    assert requests.get(f"{sandbox.url}/sandbox/secrets", timeout=10).json() == {"error": "Not Found"}
