"""Taobao TOP: `/router/rest`, its message APIs and its envelopes."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from tasks.sandbox.memory import counter
from tasks.sandbox.memory.apps import App
from tasks.sandbox.memory.exchange import Answer, Call, Platform, Refused, Target, is_digits, number_of, require
from tasks.sandbox.memory.faults import CONFIRM_KINDS
from tasks.sandbox.memory.wires import compact
from tasks.sandbox.platforms import topxml
from tasks.sandbox.platforms.gateway import VERBS, Gateway, Method, is_fresh
from tasks.sandbox.platforms.signatures import matches, top_signs

CONFIRM_LIMIT = 200

BANNED_API = "accesscontrol.limited-by-api-access-count"
BANNED_APP = "accesscontrol.limited-by-app-access-count"
PARAMETER = "isv.invalid-parameter"

TEXTS = {
    "7": "App Call Limited",
    "9": "Http Action Not Allowed",
    "10": "Service Currently Unavailable",
    "11": "Insufficient ISV Permissions",
    "12": "Insufficient User Permissions",
    "15": "Remote service error",
    "21": "Missing Method",
    "22": "Invalid Method",
    "23": "Invalid Format",
    "24": "Missing Signature",
    "25": "Invalid Signature",
    "26": "Missing Session",
    "27": "Invalid Session",
    "28": "Missing App Key",
    "29": "Invalid App Key",
    "30": "Missing Timestamp",
    "31": "Invalid Timestamp",
    "32": "Missing Version",
    "33": "Invalid Version",
    "34": "Unsupported Version",
    "40": "Missing Required Arguments",
    "41": "Invalid Arguments",
    "50": "Remote service error",
}


class Top(Gateway):
    """The simulated gateway: parameters in, reply out."""

    platform: Platform = "taobao"
    key_name = "app_key"
    default_format = "xml"
    quantities = range(10, 201)
    messages = ("messages", "tmc_message")
    missing = ("40", "{} is required")
    faults: ClassVar = {
        "expired_session": ("27", "invalid-sessionkey"),
        "unauthorised_shop": ("12", "isv.permission-denied"),
    }
    dumps = staticmethod(compact)
    array = (b"[", b",", b"]")

    def admitted(self, call: Call, target: Target, *, needs_session: bool) -> App:
        params, switches = call.params, self.state.switches
        require(call.verb in VERBS, "9")
        app = require(self.state.app(self.platform, require(params.get("app_key"), "28")), "29")
        require(params.get("method"), "21")
        require(target.api != "unknown", "22")
        now = call.now + switches.clock_ahead
        require(is_fresh(require(params.get("timestamp"), "30"), now, milliseconds=True), "31")
        if require(params.get("v"), "32") != "2.0":
            raise Refused("34" if re.fullmatch(r"\d+\.\d+", params["v"], re.ASCII) else "33")
        require(self.format_of(call) in {"xml", "json"}, "23")
        sign = require(params.get("sign"), "24")
        expected = top_signs(app.spec.secret, params, switches.taobao_empty_values)
        require(matches(sign, expected, any_case=switches.lower_case_sign), "25")
        if call.repeated and switches.taobao_repeated == "refuse":
            raise self.invalid("repeated", ", ".join(sorted(call.repeated)))
        if needs_session:
            session = require(params.get("session"), "26")
            require(session in app.sessions, "27", "invalid-sessionkey", "SessionKey非法")
        self._check_limits(call, app, target)
        return app

    def _check_limits(self, call: Call, app: App, target: Target) -> None:
        """A spent second bans the API for the app until the next one; a spent day lasts until midnight in GMT+8."""
        limited = app.admit(target.api, call.now)
        if limited is None:
            return
        if limited.why == "second":
            app.ban(target.api, call.now + limited.seconds)
        sub_code = limited.sub_code or (BANNED_APP if limited.why == "day" else BANNED_API)
        text = f"This ban will last for {math.ceil(limited.seconds)} more seconds"
        raise Refused("7", sub_code=sub_code, sub_text=text)

    def refusal(self, call: Call, refused: Refused) -> Answer:
        """The error envelope; `simplify` does not change it."""
        error: dict[str, object] = {"code": refused.number, "msg": refused.text or TEXTS.get(refused.code, "")}
        if refused.sub_code:
            error |= {"sub_code": refused.sub_code, "sub_msg": refused.sub_text or "非法参数"}
        error["request_id"] = self._request_id()
        return self.written(call, compact({"error_response": error}).encode(), refused.code)

    def confirm(self, call: Call, app: App, target: Target) -> Answer:
        """taobao.tmc.messages.confirm: always a success; ids of another group, or unknown, are left as they are."""
        ids = self.required(call, "s_message_ids").split(",")
        if not all(map(is_digits, ids)) or len(ids) > CONFIRM_LIMIT:
            raise self.invalid("s_message_ids", f"1 to {CONFIRM_LIMIT} numbers")
        queue = self.queue(call, app)
        if not self.state.faults.fire(target, CONFIRM_KINDS):
            for id_ in ids:
                queue.confirm(id_, call.now)
        return self.success(call, len(ids))

    def queue_info(self, call: Call, app: App, _target: Target) -> Answer:
        """taobao.tmc.queue.get: today's totals. `put_toal` is how the platform spells it."""
        name, queue = self.required(call, "group_name"), self.queue(call, app)
        totals = {"get_total": queue.got_today.today(call.now), "put_toal": queue.put_today.today(call.now)}
        info = compact({"name": name, "broker_name": "sandbox", **totals}).encode()
        return self.listing(call, [info], "datas", "tmc_queue_info")

    def count(self, call: Call, _app: App, _target: Target) -> Answer:
        """taobao.jindoucloud.messagecount.get: what waits, by topic and user; nothing is taken."""
        fields = self.required(call, "fields").split(",")
        require(counter.is_valid(call.params), "50", PARAMETER)
        shown = fields if self.state.switches.taobao_filter_fields else None
        rows = counter.chosen(self.state.counters.values(), call.params, shown)
        return self.listing(call, [compact(row).encode() for row in rows], "message_infos", "message_info")

    methods: ClassVar = {
        "taobao.tmc.messages.consume": Method("consume", Gateway.consume),
        "taobao.tmc.messages.confirm": Method("confirm", confirm),
        "taobao.tmc.user.permit": Method("permit", Gateway.permit, needs_session=True),
        "taobao.tmc.queue.get": Method("queue", queue_info),
        "taobao.jindoucloud.messagecount.get": Method("count", count, needs_session=True),
    }

    def quantity(self, call: Call) -> int:
        number = number_of(call.params.get("quantity") or "100")
        if number is not None and self.state.switches.taobao_clamp_quantity:
            return min(max(number, self.quantities[0]), self.quantities[-1])
        return super().quantity(call)

    def invalid(self, name: str, reason: str) -> Refused:
        code = str(self.state.switches.taobao_remote_error) if name == "group_name" else "41"
        return Refused(code, sub_code=PARAMETER, sub_text=f"{name}: {reason}")

    def reply(self, call: Call, members: Mapping[str, object], items: Sequence[bytes] = ()) -> Answer:
        return super().reply(call, {**members, "request_id": self._request_id()}, items)

    def written(self, call: Call, body: bytes, code: str = "ok", items: int = 0) -> Answer:
        if call.params.get("format") == "json":
            return Answer(body, code, items, content_type=self.state.switches.taobao_content_type)
        return Answer(topxml.document(json.loads(body, strict=False)), code, items, content_type=topxml.CONTENT_TYPE)

    def _request_id(self) -> str:
        self.state.requests += 1
        return f"sandbox{self.state.requests:x}"
