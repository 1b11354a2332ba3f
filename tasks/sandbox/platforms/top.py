"""Taobao TOP: `/router/rest`, its message APIs and its envelopes."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from tasks.sandbox.memory import counter
from tasks.sandbox.memory.apps import App
from tasks.sandbox.memory.exchange import Answer, Call, Platform, Refused, Target
from tasks.sandbox.memory.faults import CONFIRM_KINDS, FaultSpec
from tasks.sandbox.memory.queue import Queue
from tasks.sandbox.memory.state import State, group_key
from tasks.sandbox.memory.wires import compact
from tasks.sandbox.params import is_digits, number_in, number_of
from tasks.sandbox.platforms import topxml
from tasks.sandbox.platforms.spoil import reply_items
from tasks.sandbox.platforms.top_checks import PARAMETER, TEXTS, admitted

QUANTITY = range(10, 201)
CONFIRM_LIMIT = 200

FAULTS = {
    "expired_session": ("27", "invalid-sessionkey"),
    "unauthorised_shop": ("12", "isv.permission-denied"),
}


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of a reply: doubly wrapped, `{outer: {inner: [...]}}`, unless the call asked for `simplify`."""

    outer: str
    inner: str
    items: list[bytes]


class Top:
    """The simulated gateway: parameters in, reply out."""

    platform: Platform = "taobao"

    def __init__(self, state: State) -> None:
        self.state = state

    def target(self, call: Call) -> Target:
        """Whom the call concerns, by its own word."""
        app = self.state.app(self.platform, call.params.get("app_key", ""))
        method = METHODS.get(call.params.get("method", ""), UNKNOWN)
        key = group_key(call.params.get("group_name", ""))
        return Target(self.platform, app.name if app else "", method.api, key)

    def answer(self, call: Call, target: Target) -> Answer:
        """The reply to the call. Raises `Refused`."""
        method = METHODS.get(call.params.get("method", ""), UNKNOWN)
        app = admitted(self.state, call, target, needs_session=method.needs_session)
        return method.run(self, call, app, target)

    def refusal(self, call: Call, refused: Refused) -> Answer:
        """The error envelope; `simplify` does not change it."""
        code = int(refused.code) if is_digits(refused.code) else refused.code
        error: dict[str, object] = {"code": code, "msg": refused.text or TEXTS.get(refused.code, "")}
        if refused.sub_code:
            error |= {"sub_code": refused.sub_code, "sub_msg": refused.sub_text or "非法参数"}
        error["request_id"] = self._request_id()
        if call.params.get("format") == "json":
            return self._json(compact({"error_response": error}).encode(), code=refused.code)
        return Answer(topxml.document("error_response", error), refused.code, content_type=topxml.CONTENT_TYPE)

    def fault_refusal(self, fault: FaultSpec) -> Refused:
        """What a fault of that kind answers."""
        code, sub_code = FAULTS.get(fault.kind, ("", ""))
        return Refused(fault.code or code, fault.text, fault.sub_code or sub_code, fault.sub_text)

    def consume(self, call: Call, app: App, target: Target) -> Answer:
        """taobao.tmc.messages.consume: a lease on the group's next messages."""
        quantity, queue = self._quantity(call), self._queue(call, app)
        due = call.now + self.state.switches.lease_seconds.taobao
        batch = queue.take(quantity, call.now, due, self.state.horizon(call.now))
        items = reply_items(self.state.faults, target, queue, batch, call.now)
        return self._list(call, Listing("messages", "tmc_message", items))

    def confirm(self, call: Call, app: App, target: Target) -> Answer:
        """taobao.tmc.messages.confirm: always a success; ids of another group, or unknown, are left as they are."""
        ids = self._required(call, "s_message_ids").split(",")
        if not all(map(is_digits, ids)) or len(ids) > CONFIRM_LIMIT:
            raise Refused("41", sub_code=PARAMETER, sub_text=f"s_message_ids: 1 to {CONFIRM_LIMIT} numbers")
        queue = self._queue(call, app)
        if not self.state.faults.fire(target, CONFIRM_KINDS):
            for id_ in ids:
                queue.confirm(id_, call.now)
        return self._success(call, items=len(ids))

    def permit(self, call: Call, _app: App, _target: Target) -> Answer:
        """taobao.tmc.user.permit: nothing has to be permitted here, all topics come."""
        return self._success(call)

    def queue_info(self, call: Call, app: App, _target: Target) -> Answer:
        """taobao.tmc.queue.get: today's totals. `put_toal` is how the platform spells it."""
        name = self._required(call, "group_name")
        queue = self._queue(call, app)
        totals = {"get_total": queue.got_today.today(call.now), "put_toal": queue.put_today.today(call.now)}
        info = compact({"name": name, "broker_name": "sandbox", **totals}).encode()
        return self._list(call, Listing("datas", "tmc_queue_info", [info]))

    def count(self, call: Call, _app: App, _target: Target) -> Answer:
        """taobao.jindoucloud.messagecount.get: what waits, by topic and user; nothing is taken."""
        fields = self._required(call, "fields").split(",")
        if not counter.is_valid(call.params):
            raise Refused("50", sub_code=PARAMETER)
        shown = fields if self.state.switches.taobao_filter_fields else None
        rows = counter.chosen(self.state.counters.values(), call.params, shown)
        return self._list(call, Listing("message_infos", "message_info", [compact(row).encode() for row in rows]))

    def _required(self, call: Call, name: str) -> str:
        value = call.params.get(name)
        if not value:
            raise Refused("40", sub_code=f"isv.missing-parameter:{name}", sub_text=f"{name} is required")
        return value

    def _quantity(self, call: Call) -> int:
        text = call.params.get("quantity") or "100"
        number = number_of(text)
        if number is not None and self.state.switches.taobao_clamp_quantity:
            return min(max(number, QUANTITY[0]), QUANTITY[-1])
        quantity = number_in(QUANTITY, text)
        if quantity is None:
            raise Refused("41", sub_code=PARAMETER, sub_text=f"quantity: {QUANTITY[0]} to {QUANTITY[-1]}")
        return quantity

    def _queue(self, call: Call, app: App) -> Queue:
        name = group_key(call.params.get("group_name", ""))
        if name and self.state.switches.strict_groups and name not in app.spec.groups:
            code = str(self.state.switches.taobao_remote_error)
            raise Refused(code, sub_code=PARAMETER, sub_text=f"group_name: there is no group {name}")
        return self.state.queue(app, name)

    def _success(self, call: Call, items: int = 0) -> Answer:
        return self._reply(call, {"is_success": b"true"}, items)

    def _list(self, call: Call, listing: Listing) -> Answer:
        members = {}
        if listing.items:
            array = b"[" + b",".join(listing.items) + b"]"
            members[listing.outer] = array if _is_simple(call) else _object({listing.inner: array})
        elif self.state.switches.taobao_empty == "object":
            members[listing.outer] = b"[]" if _is_simple(call) else b"{}"
        return self._reply(call, members, len(listing.items))

    def _reply(self, call: Call, members: dict[str, bytes], items: int) -> Answer:
        body = _object({**members, "request_id": compact(self._request_id()).encode()})
        root = call.params["method"].removeprefix("taobao.").replace(".", "_") + "_response"
        if call.params.get("format") != "json":
            return Answer(
                topxml.document(root, json.loads(body, strict=False)), items=items, content_type=topxml.CONTENT_TYPE
            )
        return self._json(body if _is_simple(call) else _object({root: body}), items=items)

    def _json(self, body: bytes, code: str = "ok", items: int = 0) -> Answer:
        return Answer(body, code, items, content_type=self.state.switches.taobao_content_type)

    def _request_id(self) -> str:
        self.state.requests += 1
        return f"sandbox{self.state.requests:x}"


@dataclass(frozen=True, slots=True)
class Method:
    """One API: its short name, whether it needs a session, what it does."""

    api: str
    needs_session: bool
    run: Callable[[Top, Call, App, Target], Answer]


METHODS = {
    "taobao.tmc.messages.consume": Method("consume", needs_session=False, run=Top.consume),
    "taobao.tmc.messages.confirm": Method("confirm", needs_session=False, run=Top.confirm),
    "taobao.tmc.user.permit": Method("permit", needs_session=True, run=Top.permit),
    "taobao.tmc.queue.get": Method("queue", needs_session=False, run=Top.queue_info),
    "taobao.jindoucloud.messagecount.get": Method("count", needs_session=True, run=Top.count),
}
UNKNOWN = Method("unknown", needs_session=False, run=Top.permit)
"""Stands for every other method; the checks refuse it before it would run."""


def _is_simple(call: Call) -> bool:
    return call.params.get("simplify") == "true" and call.params.get("format") == "json"


def _object(members: dict[str, bytes]) -> bytes:
    return b"{" + b",".join(b'"%s":%s' % (name.encode(), value) for name, value in members.items()) + b"}"
