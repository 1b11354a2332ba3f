"""Right calls to a running sandbox, over real HTTP."""

import time
from typing import Any

import requests

from tasks.clock import timestamp
from tasks.sandbox.platforms.signatures import qianmi_sign, top_sign

BEARER = {"Authorization": "Bearer test-token"}


def top_params(method: str = "taobao.tmc.messages.consume", **more: str) -> dict[str, str]:
    """Signed parameters of a Taobao call."""
    params = {"method": method, "app_key": "12345678", "v": "2.0", "format": "json", "sign_method": "hmac-sha256"}
    params |= {"timestamp": timestamp(time.time()), **more}
    return {**params, "sign": top_sign("helloworld", params) or ""}


def qianmi_params(method: str = "qianmi.qmcs.messages.consume", **more: str) -> dict[str, str]:
    """Signed parameters of a Qianmi call."""
    params = {"method": method, "appKey": "10000001", "v": "1.1", "timestamp": timestamp(time.time()), **more}
    return {**params, "sign": qianmi_sign("helloworld", params)}


def post(url: str, path: str, params: dict[str, str], **more: Any) -> requests.Response:
    """A POST with the parameters in an urlencoded body."""
    return requests.post(url + path, data=params, timeout=10, **more)


def top_ids(reply: requests.Response) -> list[str]:
    """The ids in a Taobao reply."""
    listed = reply.json()["tmc_messages_consume_response"].get("messages", {"tmc_message": []})
    return [str(item["id"]) for item in listed["tmc_message"]]
