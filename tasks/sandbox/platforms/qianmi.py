"""Qianmi QMOP: `/api`, its message APIs and its envelopes, pretty-printed as its framework does."""

from typing import ClassVar

from tasks.sandbox.memory.apps import App
from tasks.sandbox.memory.exchange import Answer, Call, Platform, Refused, Target, require
from tasks.sandbox.memory.faults import CONFIRM_KINDS
from tasks.sandbox.memory.wires import pretty
from tasks.sandbox.platforms.gateway import VERBS, Gateway, Method, is_fresh
from tasks.sandbox.platforms.signatures import matches, qianmi_sign

ERROR_TOKEN = "@@$-ERROR_TOKEN$-@@"  # noqa: S105  (marks every error reply, no secret)

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


class Qianmi(Gateway):
    """The simulated gateway; it checks in the order of the framework it is built on."""

    platform: Platform = "qianmi"
    key_name = "appKey"
    default_format = "json"
    quantities = range(1, 101)
    messages = ("qmcs_messages", "qmcs_message")
    missing = ("32", "缺少必要的参数{}")
    faults: ClassVar = {"expired_session": ("21", ""), "unauthorised_shop": ("3", "")}
    dumps = staticmethod(pretty)
    array = (b"[ ", b", ", b" ]")

    def admitted(self, call: Call, target: Target, *, needs_session: bool) -> App:
        params, switches = call.params, self.state.switches
        app = require(self.state.app(self.platform, require(params.get("appKey"), "22")), "23")
        if needs_session:
            require(require(params.get("access_token"), "20") in app.sessions, "21")
        require(params.get("method"), "26")
        require(target.api != "unknown", "27")
        require(require(params.get("v"), "28") == "1.1", "30")
        sign, expected = require(params.get("sign"), "24"), qianmi_sign(app.spec.secret, params)
        require(matches(sign, [expected], any_case=switches.lower_case_sign), "25")
        require(call.verb in VERBS, "5")
        require(self.format_of(call) == "json", "31")
        limited = app.admit(target.api, call.now)
        if limited is not None:
            raise Refused("36" if limited.why == "day" else "37", sub_code=limited.sub_code)
        # The framework has no check of the timestamp and the platform's code for it is not known, hence the switch.
        now = call.now + switches.clock_ahead
        if not is_fresh(self.required(call, "timestamp"), now, milliseconds=switches.qianmi_epoch_timestamp):
            raise self.invalid("timestamp", code=switches.qianmi_stale_code)
        return app

    def invalid(self, name: str, _reason: str = "", code: str = "33") -> Refused:
        """An argument is wrong. The platform spells `paramete` without its last letter."""
        text = f"参数{name}无效,格式不对、非法值、越界等"
        return Refused(code, sub_code=f"isv.invalid-paramete:{name}", sub_text=text)

    def refusal(self, _call: Call, refused: Refused) -> Answer:
        """The error envelope: at the root, told by its `errorToken`."""
        message, solution = TEXTS.get(refused.code, ("", ""))
        error: dict[str, object] = {"errorToken": ERROR_TOKEN, "code": refused.code}
        error |= {"message": refused.text or message, "solution": solution}
        if refused.sub_code:
            sub_errors = [{"code": refused.sub_code, "message": refused.sub_text}]
            is_array = self.state.switches.qianmi_sub_errors == "array"
            error["subErrors"] = sub_errors if is_array else {"subError": sub_errors}
        return Answer(pretty(error).encode(), refused.code)

    def confirm(self, call: Call, app: App, target: Target) -> Answer:
        """qianmi.qmcs.messages.confirm: the ids of any of the app's groups."""
        ids = self.required(call, "s_message_ids").split(",")
        if not all(ids) or len(ids) > self.state.switches.qianmi_confirm_limit:
            raise self.invalid("s_message_ids")
        if not self.state.faults.fire(target, CONFIRM_KINDS):
            self._confirm(app, ids, call.now)
        return self.success(call, len(ids))

    def queue_info(self, call: Call, app: App, _target: Target) -> Answer:
        """qianmi.qmcs.queue.get: today's totals."""
        name, queue = self.required(call, "group_name"), self.queue(call, app)
        totals = {"put_total": queue.put_today.today(call.now), "get_total": queue.got_today.today(call.now)}
        return self.reply(call, {"qmcs_queue_info": {"name": name, **totals}})

    methods: ClassVar = {
        "qianmi.qmcs.messages.consume": Method("consume", Gateway.consume),
        "qianmi.qmcs.messages.confirm": Method("confirm", confirm),
        "qianmi.qmcs.user.permit": Method("permit", Gateway.permit, needs_session=True),
        "qianmi.qmcs.queue.get": Method("queue", queue_info),
    }

    def _confirm(self, app: App, ids: list[str], now: float) -> None:
        homes = [(app.homes.get(id_), id_) for id_ in ids]
        all_open = all(home is not None and home.is_open(id_) for home, id_ in homes)
        if self.state.switches.qianmi_confirm_unknown == "error" and not all_open:
            raise self.invalid("s_message_ids")
        for home, id_ in homes:
            if home is not None:
                home.confirm(id_, now)

    def due(self, now: float) -> float:
        """When a lease that begins now ends: after its time, or, in sweep mode, at the next common moment."""
        lease = self.state.switches.lease_seconds.qianmi
        return (now // lease + 1) * lease if self.state.switches.qianmi_sweep else now + lease
