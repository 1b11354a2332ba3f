"""The simulated platforms without HTTP, under a clock that the test sets."""

import json
from typing import Any

from tasks.clock import published, timestamp
from tasks.sandbox.memory.exchange import Answer, Call
from tasks.sandbox.memory.faults import FaultSpec
from tasks.sandbox.memory.state import Publication, State
from tasks.sandbox.memory.switches import Switches
from tasks.sandbox.platforms.qianmi import Qianmi
from tasks.sandbox.platforms.respond import respond
from tasks.sandbox.platforms.signatures import qianmi_sign, top_sign
from tasks.sandbox.platforms.top import Top
from tasks.sandbox.platforms.vvtool import Vvtool

NOON = "2016-01-01 12:00:00"
CONSUME = "taobao.tmc.messages.consume"
CONFIRM = "taobao.tmc.messages.confirm"
COUNT = "taobao.jindoucloud.messagecount.get"
QM_CONSUME = "qianmi.qmcs.messages.consume"
QM_CONFIRM = "qianmi.qmcs.messages.confirm"
PAID = "taobao_trade_TradeBuyerPay"


def at(text: str) -> float:
    """Seconds since the epoch of a time in GMT+8."""
    moment = published(text)
    assert moment is not None
    return moment.timestamp()


class World:
    """Three platforms, noon of 2016-01-01 in GMT+8 to begin with.

    A parameter of None leaves out what a right call would have; `sign` may be given to be wrong.
    """

    def __init__(self) -> None:
        self.now = at(NOON)
        self.state = State(clock=lambda: self.now)
        self.top, self.qianmi, self.vvtool = Top(self.state), Qianmi(self.state), Vvtool(self.state)

    def top_call(
        self, method: str | None = CONSUME, *, verb: str = "POST", secret: str = "helloworld", **more: Any
    ) -> Answer:
        system = {"app_key": "12345678", "v": "2.0", "format": "json", "sign_method": "hmac-sha256", "method": method}
        params = _present({**system, "timestamp": timestamp(self.now), **more})
        if "sign" not in more:
            params["sign"] = top_sign(secret, params) or "?"
        return respond(self.top, Call(verb, "/router/rest", params, self.now))

    def qianmi_call(
        self, method: str | None = QM_CONSUME, *, verb: str = "POST", secret: str = "helloworld", **more: Any
    ) -> Answer:
        system = {"appKey": "10000001", "v": "1.1", "format": "json", "method": method}
        params = _present({**system, "timestamp": timestamp(self.now), **more})
        if "sign" not in more:
            params["sign"] = qianmi_sign(secret, params)
        return respond(self.qianmi, Call(verb, "/api", params, self.now))

    def vv_call(
        self, *, verb: str = "POST", path: str = "/tool/erps/tbconsume", token: str = "test-token", **more: Any
    ) -> Answer:
        return respond(self.vvtool, Call(verb, path, _present({"shop_id": "123", **more}), self.now, token))

    def publish(self, platform: str, *events: Any, topic: str = PAID, **place: Any) -> list[str]:
        place = place or ({"shop_id": "123"} if platform == "vvtool" else {})
        messages = [{"topic": topic, "content": event} for event in events or ({"tid": 1},)]
        return self.state.publish(Publication.model_validate({"platform": platform, "messages": messages, **place}))

    def pull(self, platform: str) -> list[dict[str, Any]]:
        """The items of one reply, of vvtool with `msg_data` as it is."""
        if platform == "vvtool":
            items: list[dict[str, Any]] = json.loads(self.vv_call().body)["data"]["msg"]
            return items
        return top_items(self.top_call()) if platform == "taobao" else qianmi_items(self.qianmi_call())

    def fault(self, platform: str, kind: str, **params: Any) -> None:
        self.state.add_fault(FaultSpec.model_validate({"platform": platform, "kind": kind, **params}))

    def switch(self, **values: Any) -> None:
        self.state.switches = Switches.model_validate({**self.state.switches.model_dump(), **values})


def top_error(answer: Answer) -> tuple[int, str]:
    error = json.loads(answer.body)["error_response"]
    return error["code"], error.get("sub_code", "")


def top_items(answer: Answer) -> list[dict[str, Any]]:
    listed = json.loads(answer.body)["tmc_messages_consume_response"].get("messages", {"tmc_message": []})
    items: list[dict[str, Any]] = listed["tmc_message"]
    return items


def qianmi_error(answer: Answer) -> tuple[str, str]:
    error = json.loads(answer.body)
    assert error["errorToken"] == "@@$-ERROR_TOKEN$-@@"
    return error["code"], error.get("subErrors", [{"code": ""}])[0]["code"]


def qianmi_items(answer: Answer) -> list[dict[str, Any]]:
    listed = json.loads(answer.body)["qmcs_messages_consume_response"].get("qmcs_messages", {"qmcs_message": []})
    items: list[dict[str, Any]] = listed["qmcs_message"]
    return items


def vv_items(answer: Answer) -> list[dict[str, Any]]:
    """The inner messages."""
    return [json.loads(item["msg_data"]) for item in json.loads(answer.body)["data"]["msg"]]


def vv_code(answer: Answer) -> int:
    code: int = json.loads(answer.body)["code"]
    return code


def _present(params: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in params.items() if value is not None}
