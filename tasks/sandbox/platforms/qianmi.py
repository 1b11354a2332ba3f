"""Qianmi QMOP: `/api`, its message APIs and its envelopes, pretty-printed as its framework does."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tasks.sandbox.memory.apps import App
from tasks.sandbox.memory.exchange import Answer, Call, Platform, Refused, Target
from tasks.sandbox.memory.faults import CONFIRM_KINDS, FaultSpec
from tasks.sandbox.memory.queue import Queue
from tasks.sandbox.memory.state import State, group_key
from tasks.sandbox.params import number_in
from tasks.sandbox.platforms.qianmi_checks import admitted, invalid, missing
from tasks.sandbox.platforms.spoil import reply_items

QUANTITY = range(1, 101)
ERROR_TOKEN = "@@$-ERROR_TOKEN$-@@"  # noqa: S105  (marks every error reply, no secret)

FAULTS = {"expired_session": "21", "unauthorised_shop": "3"}

TEXTS = {
    "1": ("服务目前不可用", "请稍后再试"),
    "2": ("开发者权限不足", "请申请该接口的权限"),
    "3": ("用户权限不足", "请用户授权"),
    "5": ("不支持的HTTP方法", "请使用GET或POST"),
    "7": ("禁止访问,平台繁忙", "请稍后再试"),
    "20": ("缺少access_token", "请传入access_token"),
    "21": ("无效的access_token", "请重新授权"),
    "22": ("缺少appKey", "请传入appKey"),
    "23": ("无效的appKey", "请检查appKey"),
    "24": ("缺少签名", "请传入sign"),
    "25": ("无效的签名", "请检查签名算法与appSecret"),
    "26": ("缺少方法名", "请传入method"),
    "27": ("不存在的方法名", "请检查method"),
    "28": ("缺少版本号", "请传入v"),
    "30": ("不支持的版本号", "请使用1.1"),
    "31": ("无效的报文格式", "请使用json"),
    "32": ("缺少必选参数", "请传入必选参数"),
    "33": ("非法的参数", "请查看根据服务接口对参数格式的要求"),
    "36": ("应用调用次数超限", "请明天再试"),
    "37": ("应用调用频率超限", "请稍后再试"),
}

ITEMS = "@items@"


class Qianmi:
    """The simulated gateway: parameters in, reply out."""

    platform: Platform = "qianmi"

    def __init__(self, state: State) -> None:
        self.state = state

    def target(self, call: Call) -> Target:
        """Whom the call concerns, by its own word."""
        app = self.state.app(self.platform, call.params.get("appKey", ""))
        method = METHODS.get(call.params.get("method", ""), UNKNOWN)
        key = group_key(call.params.get("group_name", ""))
        return Target(self.platform, app.name if app else "", method.api, key)

    def answer(self, call: Call, target: Target) -> Answer:
        """The reply to the call. Raises `Refused`."""
        method = METHODS.get(call.params.get("method", ""), UNKNOWN)
        app = admitted(self.state, call, target, needs_token=method.needs_token)
        return method.run(self, call, app, target)

    def refusal(self, _call: Call, refused: Refused) -> Answer:
        """The error envelope: at the root, told by its `errorToken`."""
        message, solution = TEXTS.get(refused.code, ("", ""))
        error: dict[str, object] = {"errorToken": ERROR_TOKEN, "code": refused.code}
        error |= {"message": refused.text or message, "solution": solution}
        if refused.sub_code:
            sub_errors = [{"code": refused.sub_code, "message": refused.sub_text}]
            is_array = self.state.switches.qianmi_sub_errors == "array"
            error["subErrors"] = sub_errors if is_array else {"subError": sub_errors}
        return Answer(_pretty(error), refused.code)

    def fault_refusal(self, fault: FaultSpec) -> Refused:
        """What a fault of that kind answers."""
        return Refused(fault.code or FAULTS.get(fault.kind, ""), fault.text, fault.sub_code, fault.sub_text)

    def consume(self, call: Call, app: App, target: Target) -> Answer:
        """qianmi.qmcs.messages.consume: a lease on the group's next messages."""
        quantity = number_in(QUANTITY, call.params.get("quantity") or "100")
        if quantity is None:
            raise invalid("quantity")
        queue = self._queue(call, app)
        batch = queue.take(quantity, call.now, self._due(call.now), self.state.horizon(call.now))
        items = reply_items(self.state.faults, target, queue, batch, call.now)
        return self._messages(call, items)

    def confirm(self, call: Call, app: App, target: Target) -> Answer:
        """qianmi.qmcs.messages.confirm: the ids of any of the app's groups."""
        text = call.params.get("s_message_ids")
        if not text:
            raise missing("s_message_ids")
        ids = text.split(",")
        if not all(ids) or len(ids) > self.state.switches.qianmi_confirm_limit:
            raise invalid("s_message_ids")
        if not self.state.faults.fire(target, CONFIRM_KINDS):
            self._confirm(app, ids, call.now)
        return self._success(call, items=len(ids))

    def permit(self, call: Call, _app: App, _target: Target) -> Answer:
        """qianmi.qmcs.user.permit: nothing has to be permitted here, all topics come."""
        return self._success(call)

    def queue_info(self, call: Call, app: App, _target: Target) -> Answer:
        """qianmi.qmcs.queue.get: today's totals."""
        name = call.params.get("group_name")
        if not name:
            raise missing("group_name")
        queue = self._queue(call, app)
        totals = {"put_total": queue.put_today.today(call.now), "get_total": queue.got_today.today(call.now)}
        return self._reply(call, {"qmcs_queue_info": {"name": name, **totals}})

    def _confirm(self, app: App, ids: list[str], now: float) -> None:
        homes = [app.homes.get(id_) for id_ in ids]
        open_ones = [home is not None and home.is_open(id_) for id_, home in zip(ids, homes, strict=True)]
        if self.state.switches.qianmi_confirm_unknown == "error" and not all(open_ones):
            raise invalid("s_message_ids")
        for id_, home in zip(ids, homes, strict=True):
            if home is not None:
                home.confirm(id_, now)

    def _due(self, now: float) -> float:
        lease = self.state.switches.lease_seconds.qianmi
        return (now // lease + 1) * lease if self.state.switches.qianmi_sweep else now + lease

    def _queue(self, call: Call, app: App) -> Queue:
        name = group_key(call.params.get("group_name", ""))
        if name and self.state.switches.strict_groups and name not in app.spec.groups:
            raise invalid("group_name")
        return self.state.queue(app, name)

    def _success(self, call: Call, items: int = 0) -> Answer:
        return self._reply(call, {"is_success": True}, items)

    def _messages(self, call: Call, items: list[bytes]) -> Answer:
        simple = _is_simple(call)
        if not items:
            members = {} if self.state.switches.qianmi_empty == "absent" else _listed([], simple=simple)
            return self._reply(call, members)
        answer = self._reply(call, _listed(ITEMS, simple=simple), len(items))
        head, tail = answer.body.split(f'"{ITEMS}"'.encode())
        answer.body = b"".join((head, b"[ ", b", ".join(items), b" ]", tail))
        return answer

    def _reply(self, call: Call, members: Mapping[str, object], items: int = 0) -> Answer:
        root = call.params["method"].removeprefix("qianmi.").replace(".", "_") + "_response"
        return Answer(_pretty(members if _is_simple(call) else {root: members}), items=items)


@dataclass(frozen=True, slots=True)
class Method:
    """One API: its short name, whether it needs an access token, what it does."""

    api: str
    needs_token: bool
    run: Callable[[Qianmi, Call, App, Target], Answer]


METHODS = {
    "qianmi.qmcs.messages.consume": Method("consume", needs_token=False, run=Qianmi.consume),
    "qianmi.qmcs.messages.confirm": Method("confirm", needs_token=False, run=Qianmi.confirm),
    "qianmi.qmcs.user.permit": Method("permit", needs_token=True, run=Qianmi.permit),
    "qianmi.qmcs.queue.get": Method("queue", needs_token=False, run=Qianmi.queue_info),
}
UNKNOWN = Method("unknown", needs_token=False, run=Qianmi.permit)
"""Stands for every other method; the checks refuse it before it would run."""


def _is_simple(call: Call) -> bool:
    return call.params.get("simplify") == "true"


def _listed(items: object, *, simple: bool) -> dict[str, object]:
    return {"qmcs_messages": items if simple else {"qmcs_message": items}}


def _pretty(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2, separators=(",", " : ")).encode()
