"""The sandbox's Taobao against two clients that this project did not write.

They write the time of their own zone, hence the processes of their own with TZ set.
"""

import json
import os
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest

from tasks.sandbox.control import Control

TAOBAOPY = """
import json, sys
from taobaopy.taobao import TaoBaoAPIClient, TaoBaoAPIError

port, secret, todo = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
client = TaoBaoAPIClient("12345678", secret, domain=f"http://127.0.0.1:{port}", retry_count=1)
if todo.pop("session", None):
    client.set_access_token("test-session")
name = todo.pop("method").removeprefix("taobao.").replace(".", "_")
try:
    print(json.dumps(getattr(client, name)(**todo)))
except TaoBaoAPIError as error:
    print(json.dumps({"code": error.code, "sub_code": error.sub_code}))
"""

TOP = """
import json, sys
import top.api.base
import top

port, secret, todo = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
method, session = todo.pop("method"), todo.pop("session", None)

class Request(top.api.base.RestApi):
    def getapiname(self):
        return method

request = Request("127.0.0.1", int(port))
request.set_app_info(top.appinfo("12345678", secret))
vars(request).update(todo)
try:
    print(json.dumps(request.getResponse("test-session" if session else None)))
except top.api.base.TopException as error:
    print(json.dumps({"code": error.errorcode, "sub_code": error.subcode}))
"""

CONSUME = "taobao.tmc.messages.consume"
CONFIRM = "taobao.tmc.messages.confirm"


@pytest.fixture(params=[TAOBAOPY, TOP], ids=["taobaopy-hmac", "taobao-sdk-md5"])
def client(request: pytest.FixtureRequest, sandbox: Control) -> "Client":
    """One of the clients, set on the sandbox."""
    return Client(request.param, sandbox.url)


class Client:
    """Runs one call of the client in a process and returns what it got."""

    def __init__(self, script: str, url: str) -> None:
        self.script = script
        self.port = str(urlsplit(url).port)

    def call(self, method: str, secret: str = "helloworld", zone: str = "Asia/Shanghai", **params: Any) -> Any:
        command = [sys.executable, "-c", self.script, self.port, secret, json.dumps({"method": method, **params})]
        environment = {**os.environ, "TZ": zone}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def test_it_pulls_and_confirms(client: Client, sandbox: Control) -> None:
    """And the ledger shows the message as confirmed, once, within its lease."""
    content = {"tid": 1588826713157361977, "buyer_nick": "测试买家"}
    ids = sandbox.publish("taobao", [{"topic": "taobao_trade_TradeBuyerPay", "content": content}], group="分组A")
    reply = client.call(CONSUME, quantity=100, group_name="分组A")
    (item,) = reply["tmc_messages_consume_response"]["messages"]["tmc_message"]
    assert str(item["id"]) == ids[0]
    assert json.loads(item["content"]) == content
    confirmed = client.call(CONFIRM, s_message_ids=str(item["id"]), group_name="分组A")
    assert confirmed["tmc_messages_confirm_response"]["is_success"] is True
    (row,) = sandbox.ledger("taobao")
    assert (len(row["deliveries"]), row["leased_then"]) == (1, [True])
    assert row["confirmed"] is not None


def test_a_session_goes_with_the_call(client: Client, sandbox: Control) -> None:
    """The counter needs one and gives what was set."""
    sandbox.counter("11", "trade", 7)
    method = "taobao.jindoucloud.messagecount.get"
    reply = client.call(method, session=True, fields="number,user_id", type=4)
    rows = reply["jindoucloud_messagecount_get_response"]["message_infos"]["message_info"]
    assert rows == [{"topic": "trade", "number": 7, "user_id": "11"}]
    assert client.call(method, fields="number")["code"] == 26


def test_a_wrong_secret_is_refused(client: Client, sandbox: Control) -> None:
    """Code 25, and nothing is delivered."""
    sandbox.publish("taobao", [{"topic": "t", "content": {}}])
    assert client.call(CONSUME, secret="another")["code"] == 25
    assert sandbox.ledger()[0]["deliveries"] == []


def test_an_empty_group_is_the_default_group(client: Client, sandbox: Control) -> None:
    """Both clients sign the empty value, unlike the official Java one."""
    sandbox.publish("taobao", [{"topic": "t", "content": {}}])
    reply = client.call(CONSUME, group_name="")
    assert len(reply["tmc_messages_consume_response"]["messages"]["tmc_message"]) == 1


def test_text_of_another_time_zone_is_refused(sandbox: Control) -> None:
    """The client that writes text is eight hours off in UTC; milliseconds have no zone."""
    assert Client(TAOBAOPY, sandbox.url).call(CONSUME, zone="UTC")["code"] == 31
    assert "tmc_messages_consume_response" in Client(TOP, sandbox.url).call(CONSUME, zone="UTC")


def test_errors_arrive_with_code_and_sub_code(client: Client, sandbox: Control) -> None:
    """As the client reads them."""
    sandbox.fault("taobao", "error", code="15", sub_code="isv.item-get-service-error", count=1)
    assert client.call(CONSUME) == {"code": 15, "sub_code": "isv.item-get-service-error"}
