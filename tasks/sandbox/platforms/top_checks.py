"""What Taobao's gateway checks before an API runs, in its order."""

import math
import re

from tasks.sandbox.memory.apps import App
from tasks.sandbox.memory.exchange import Call, Refused, Target
from tasks.sandbox.memory.limits import Limited
from tasks.sandbox.memory.state import State
from tasks.sandbox.memory.wiretime import is_fresh
from tasks.sandbox.platforms.signatures import matches, top_signs

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


def admitted(state: State, call: Call, target: Target, *, needs_session: bool) -> App:
    """The app whose call it is, once everything about the call but its own arguments is right. Raises `Refused`."""
    app = _known_app(state, call)
    _check_method(call, target)
    _check_protocol(call)
    _check_sign(state, call, app)
    if needs_session:
        _check_session(call, app)
    _check_limits(call, app, target)
    return app


def _known_app(state: State, call: Call) -> App:
    if call.verb not in {"GET", "POST"}:
        raise Refused("9")
    key = call.params.get("app_key")
    app = state.app("taobao", key) if key else None
    if app is None:
        raise Refused("29" if key else "28")
    return app


def _check_method(call: Call, target: Target) -> None:
    if not call.params.get("method"):
        raise Refused("21")
    if target.api == "unknown":
        raise Refused("22")


def _check_protocol(call: Call) -> None:
    params = call.params
    if not params.get("timestamp"):
        raise Refused("30")
    if not is_fresh(params["timestamp"], call.now, milliseconds=True):
        raise Refused("31")
    if not params.get("v"):
        raise Refused("32")
    if params["v"] != "2.0":
        raise Refused("34" if re.fullmatch(r"\d+\.\d+", params["v"], re.ASCII) else "33")
    if params.get("format", "xml") not in {"xml", "json"}:
        raise Refused("23")


def _check_sign(state: State, call: Call, app: App) -> None:
    if not call.params.get("sign"):
        raise Refused("24")
    expected = top_signs(app.spec.secret, call.params, state.switches.taobao_empty_values)
    if not matches(call.params["sign"], expected, any_case=state.switches.lower_case_sign):
        raise Refused("25")
    if call.repeated and state.switches.taobao_repeated == "refuse":
        raise Refused("41", sub_code=PARAMETER, sub_text=f"repeated: {', '.join(sorted(call.repeated))}")


def _check_session(call: Call, app: App) -> None:
    session = call.params.get("session")
    if not session:
        raise Refused("26")
    if session not in app.sessions:
        raise Refused("27", sub_code="invalid-sessionkey", sub_text="SessionKey非法")


def _check_limits(call: Call, app: App, target: Target) -> None:
    """A spent second bans the API for the app until the next one; a spent day lasts until midnight in GMT+8."""
    try:
        app.admit(target.api, call.now)
    except Limited as limited:
        if limited.why == "second":
            app.ban(target.api, call.now + limited.seconds)
        sub_code = limited.sub_code or (BANNED_APP if limited.why == "day" else BANNED_API)
        text = f"This ban will last for {math.ceil(limited.seconds)} more seconds"
        raise Refused("7", sub_code=sub_code, sub_text=text) from None
