"""What Qianmi's gateway checks before an API runs, in the order of the framework it is built on."""

from tasks.sandbox.memory.apps import App
from tasks.sandbox.memory.exchange import Call, Refused, Target
from tasks.sandbox.memory.limits import Limited
from tasks.sandbox.memory.state import State
from tasks.sandbox.memory.wiretime import is_fresh
from tasks.sandbox.platforms.signatures import matches, qianmi_sign


def admitted(state: State, call: Call, target: Target, *, needs_token: bool) -> App:
    """The app whose call it is, once everything about the call but its own arguments is right. Raises `Refused`."""
    app = _known_app(state, call)
    if needs_token:
        _check_token(call, app)
    _check_method(call, target)
    _check_sign(state, call, app)
    _check_form(call)
    _check_limits(call, app, target)
    _check_timestamp(state, call)
    return app


def missing(name: str) -> Refused:
    """A required parameter is not there."""
    return Refused("32", sub_code=f"isv.missing-parameter:{name}", sub_text=f"缺少必要的参数{name}")


def invalid(name: str, code: str = "33") -> Refused:
    """A parameter is wrong. The platform spells `paramete` without its last letter."""
    text = f"参数{name}无效,格式不对、非法值、越界等"
    return Refused(code, sub_code=f"isv.invalid-paramete:{name}", sub_text=text)


def _known_app(state: State, call: Call) -> App:
    key = call.params.get("appKey")
    app = state.app("qianmi", key) if key else None
    if app is None:
        raise Refused("23" if key else "22")
    return app


def _check_token(call: Call, app: App) -> None:
    token = call.params.get("access_token")
    if not token:
        raise Refused("20")
    if token not in app.sessions:
        raise Refused("21")


def _check_method(call: Call, target: Target) -> None:
    if not call.params.get("method"):
        raise Refused("26")
    if target.api == "unknown":
        raise Refused("27")
    if not call.params.get("v"):
        raise Refused("28")
    if call.params["v"] != "1.1":
        raise Refused("30")


def _check_sign(state: State, call: Call, app: App) -> None:
    if not call.params.get("sign"):
        raise Refused("24")
    expected = qianmi_sign(app.spec.secret, call.params)
    if not matches(call.params["sign"], [expected], any_case=state.switches.lower_case_sign):
        raise Refused("25")


def _check_form(call: Call) -> None:
    if call.verb not in {"GET", "POST"}:
        raise Refused("5")
    if call.params.get("format", "json") != "json":
        raise Refused("31")


def _check_limits(call: Call, app: App, target: Target) -> None:
    try:
        app.admit(target.api, call.now)
    except Limited as limited:
        raise Refused("36" if limited.why == "day" else "37", sub_code=limited.sub_code) from None


def _check_timestamp(state: State, call: Call) -> None:
    """The framework has no such check and the platform's code for it is not known, hence the switch."""
    text = call.params.get("timestamp")
    if not text:
        raise missing("timestamp")
    if not is_fresh(text, call.now, milliseconds=state.switches.qianmi_epoch_timestamp):
        raise invalid("timestamp", state.switches.qianmi_stale_code)
