"""vv-tool: `/tool/erps/tbconsume`, where pulling a message takes it for ever and costs points."""

from typing import Any

from tasks.sandbox.memory.apps import App
from tasks.sandbox.memory.exchange import Answer, Call, Platform, Refused, Target, number_of, require
from tasks.sandbox.memory.faults import FaultSpec
from tasks.sandbox.memory.queue import DestructiveQueue
from tasks.sandbox.memory.wires import compact
from tasks.sandbox.platforms.respond import Simulated
from tasks.sandbox.platforms.spoil import ITEMS, reply_items, with_items

PATH = "/tool/erps/tbconsume"
QUANTITY = range(10, 201)
EDITIONS = range(1, 4)

TEXTS = {
    "0": "操作成功",
    "100": "请求参数错误",
    "101": "请求超时,请重试",
    "103": "旺旺账号不存在",
    "200": "系统错误,请联系客服",
    "202": "系统错误,请稍后再试",
    "203": "暂不支持当前接口",
    "204": "请求异常:无该接口权限,请前往官网开通正式接口。",
    "302": "未授权店铺",
    "401": "身份凭证无效",
    "404": "请求路径或请求方式错误",
}
SPENT = "请求异常:API 调用次数不足,请前往网站兑换次数。"
"""The other meaning of 204."""

EMPTY: dict[str, Any] = {"msg": {"msg": []}, "list": [], "null": None, "absent": {}}


class Vvtool(Simulated):
    """The simulated proxy."""

    platform: Platform = "vvtool"

    def target(self, call: Call) -> Target:
        app = self.state.app(self.platform, call.token)
        api = "consume" if call.path == PATH else "unknown"
        return Target(self.platform, app.name if app else "", api, call.params.get("shop_id", ""))

    def answer(self, call: Call, target: Target) -> Answer:
        app = self._admitted(call, target)
        shop_id, quantity = self._arguments(call)
        if app.spec.shops is not None and shop_id not in app.spec.shops:
            raise self._unauthorised(shop_id)
        if not app.has_points(call.now):
            raise Refused("204", SPENT)
        queue = self.state.queue(app, shop_id)
        if not isinstance(queue, DestructiveQueue):
            raise TypeError("a queue of vvtool has to be a destructive one")
        topic = call.params.get("msg_type", "")
        batch = queue.draw(quantity, call.now, self.state.horizon(call.now), topic)
        items = reply_items(self.state.faults, target, queue, batch, call.now)
        for entry in batch:
            entry.wire = b""
        return self._messages(call, app, items)

    def refusal(self, call: Call, refused: Refused) -> Answer:
        """The envelope with a code other than 0; `data` is an empty array unless the refusal has some."""
        text = refused.text or TEXTS.get(refused.code, "")
        status = refused.status if self.state.switches.vvtool_http_status else 200
        return Answer(_envelope(call.now, refused.number, text, refused.data or []), refused.code, status=status)

    def fault_refusal(self, fault: FaultSpec) -> Refused:
        if fault.kind == "unauthorised_shop" and not fault.code:
            return self._unauthorised(fault.shop_id or "")
        code = fault.code or "401"
        return Refused(code, fault.text, status=401 if code == "401" else 200)

    def _admitted(self, call: Call, target: Target) -> App:
        require(target.api != "unknown" and call.verb == "POST", "404", status=404)
        app = require(self.state.app(self.platform, call.token), "401", status=401)
        limited = app.admit(target.api, call.now)
        if limited is not None:
            raise Refused("204", SPENT) if limited.why == "day" else Refused("202", status=429)
        return app

    def _arguments(self, call: Call) -> tuple[str, int]:
        shop_id = call.params.get("shop_id", "")
        quantity = number_of(call.params.get("quantity") or "100")
        edition = number_of(call.params.get("vvtype") or "1")
        if not shop_id or quantity is None or quantity not in QUANTITY or edition not in EDITIONS:
            raise Refused("100")
        return shop_id, quantity

    def _unauthorised(self, shop_id: str) -> Refused:
        return Refused("302", data={"url": f"http://127.0.0.1/authorise?shop_id={shop_id}"})

    def _messages(self, call: Call, app: App, items: list[bytes]) -> Answer:
        switches = self.state.switches
        points = switches.vvtool_price if items else switches.vvtool_price_empty
        app.charge(points, call.now)
        data = {"msg": ITEMS} if items else EMPTY[switches.vvtool_empty]
        if switches.vvtool_shows_price and isinstance(data, dict):
            data = {**data, "withholding_money": points}
        return Answer(with_items(_envelope(call.now, 0, TEXTS["0"], data), items), items=len(items))


def _envelope(now: float, code: int | str, text: str, data: object) -> bytes:
    return compact({"code": code, "msg": text, "msec": 1, "time": int(now), "data": data}, raw=False).encode()
