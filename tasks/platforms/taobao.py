"""Taobao's TOP: consume and confirm of its message service, and the counter (open.taobao.com, API 21986 and 21985)."""

from collections.abc import Sequence
from typing import Any

from tasks.accounts import Account, Counter, TaobaoAccount, TaobaoGateway
from tasks.platforms import clocks, http, jsontext
from tasks.platforms.arguments import joined, own
from tasks.platforms.base import Keep, Reading, Reply
from tasks.platforms.envelope import kind, listed, must_succeed, tells_of_error, text_of
from tasks.platforms.errors import BadRequest, MalformedReply, PlatformError, Unauthorised
from tasks.platforms.faults import (
    STATUSES,
    Said,
    Table,
    Whom,
    bad_request,
    out_of_quota,
    throttled,
    transient,
    unauthorised,
    usable,
    wrong_time,
)
from tasks.platforms.reading import UnreadableItem, gather, item_of, whole_id
from tasks.platforms.signing import top_sign

CONSUME = "taobao.tmc.messages.consume"
CONFIRM = "taobao.tmc.messages.confirm"
COUNT = "taobao.jindoucloud.messagecount.get"

BARE = frozenset({"request_id", "messages", "is_success", "message_infos"})
"""By any of these members the root is the response itself."""

SESSION = "let the seller authorise the app again, and renew accounts.{account}.session"
APP_KEY = "check gateways.{gateway}.app_key"
SIGNATURE = "check gateways.{gateway}.app_secret and gateways.{gateway}.sign_method"
PERMISSION = "apply in Taobao's console for the permission, for the app of gateways.{gateway}"
SECURITY = "raise the security level of the app of gateways.{gateway}, or renew accounts.{account}.session"


def _remote(said: Said, whom: Whom) -> PlatformError:
    """A remote service error: the sub code `isv.*` blames the caller, all others may pass."""
    return (bad_request() if said.sub_code.startswith("isv.") else transient)(said, whom)


TABLE = Table(
    codes={str(code): bad_request() for code in range(500, 1000)}  # legacy business codes
    | {
        "3": bad_request(),  # upload failed
        "4": out_of_quota("account"),  # the user's calls
        "5": out_of_quota("account"),  # the session's calls
        "6": out_of_quota("gateway"),  # the partner's calls
        "7": throttled,  # the app's calls: the sub codes below say which
        "8": throttled,
        "9": bad_request("gateway"),  # HTTP verb
        "10": transient,
        "11": unauthorised("gateway", PERMISSION),
        "12": unauthorised("account", SESSION),
        "13": unauthorised("gateway", PERMISSION),
        "15": _remote,
        "21": bad_request("gateway"),  # method missing
        "22": bad_request("gateway"),  # method invalid
        "23": bad_request("gateway"),  # format invalid
        "24": unauthorised("gateway", SIGNATURE),
        "25": unauthorised("gateway", SIGNATURE),
        "26": unauthorised("account", SESSION),
        "27": unauthorised("account", SESSION),
        "28": unauthorised("gateway", APP_KEY),
        "29": unauthorised("gateway", APP_KEY),
        "30": wrong_time,
        "31": wrong_time,
        "32": bad_request("gateway"),  # version missing
        "33": bad_request("gateway"),  # version invalid
        "34": bad_request("gateway"),  # version not supported
        "40": bad_request(),  # argument missing
        "41": bad_request(),  # argument invalid
        "42": bad_request(),  # forbidden request
        "43": bad_request(),  # parameter error
        "50": _remote,
        "53": unauthorised("account", SECURITY),
    },
    sub_codes={
        "accesscontrol.limited-by-app-access-count": out_of_quota("gateway"),
        "accesscontrol.limited-by-api-access-count": throttled,
        "accesscontrol.limited-by-app-api-access-count": throttled,
        "accesscontrol.limited-by-dynamic-access-count": throttled,
        "isp.call-limited": throttled,
        "invalid-sessionkey": unauthorised("account", SESSION),
        "sessionkey-not-generated-by-server": unauthorised("account", SESSION),
    },
)
"""What the codes mean (developer.alibaba.com, error codes 102707; code 7: its FAQ)."""


class TaobaoClient:
    """One Taobao app. A message that is not confirmed comes again after five or six minutes, for a day."""

    confirm_limit = 200

    def __init__(self, gateway: TaobaoGateway) -> None:
        self._gateway = gateway

    def pull(self, account: Account, *, keep: Keep | None = None) -> Reply:
        mine = own(account, TaobaoAccount)
        whom = self._whom(mine)
        wanted = {"group_name": mine.group or "", "quantity": str(mine.quantity)}
        return _reply(self._call(CONSUME, wanted, whom, keep), whom)

    def read(self, body: bytes) -> Reply:
        return _reply(body, self._whom())

    def confirm(self, account: Account, receipts: Sequence[str]) -> None:
        """Confirm 1 to 200 ids, else `ValueError`, in the account's group: in another one they would stay."""
        mine = own(account, TaobaoAccount)
        whom = self._whom(mine)
        wanted = {"group_name": mine.group or "", "s_message_ids": joined(receipts, self.confirm_limit)}
        must_succeed(_response(CONFIRM, self._call(CONFIRM, wanted, whom), whom))

    def count(self, account: Account) -> tuple[Reading, ...]:
        """What the seller's counter shows. Raises `Unauthorised` for an account without a session."""
        mine = own(account, TaobaoAccount)
        whom = self._whom(mine)
        if mine.counter is None:
            raise BadRequest(f"accounts.{mine.name} has no counter")
        if mine.session is None:
            raise Unauthorised("the counter needs a session", remedy=SESSION.format(account=mine.name))
        wanted = _asked(mine.counter) | {"session": mine.session.get_secret_value()}
        return _readings(_response(COUNT, self._call(COUNT, wanted, whom), whom))

    def _whom(self, account: TaobaoAccount | None = None) -> Whom:
        session = account.session if account else None
        secrets = [secret.get_secret_value() for secret in (self._gateway.app_secret, session) if secret]
        return Whom(self._gateway.name, account.name if account else "*", tuple(secrets))

    def _call(self, method: str, wanted: dict[str, str], whom: Whom, keep: Keep | None = None) -> bytes:
        form = wanted | {
            "method": method,
            "app_key": self._gateway.app_key,
            "sign_method": self._gateway.sign_method,
            "v": "2.0",
            "format": "json",
            "timestamp": clocks.timestamp(self._gateway.url),
        }
        form = {name: value for name, value in form.items() if value}
        form["sign"] = top_sign(form, self._gateway.app_secret.get_secret_value(), self._gateway.sign_method)
        answer = http.post(self._gateway.url, form, keep=keep)
        return usable(answer, lambda body: _response(method, body, whom), STATUSES, whom)


def _reply(body: bytes, whom: Whom) -> Reply:
    return gather(listed(_response(CONSUME, body, whom), "messages", "tmc_message"), lambda _, row: item_of(row, _id))


def _id(value: object) -> str:
    """One id that is no number would spoil the confirm of all others with it."""
    text = whole_id(value)
    if not (text.isascii() and text.isdigit()):
        raise UnreadableItem("the id is no number")
    return text


def _response(method: str, body: bytes, whom: Whom) -> dict[str, Any]:
    """The response under its method's name, or bare as `simplify` has it. Raises what an error means, also a bare one."""
    root = jsontext.decode(body)
    if root.get("error_response"):
        raise TABLE.fault(_said(root["error_response"]), whom)
    name = method.removeprefix("taobao.").replace(".", "_") + "_response"
    response = root.get(name, root if BARE & root.keys() or tells_of_error(root) else None)
    if isinstance(response, dict):
        if tells_of_error(response):
            raise TABLE.fault(_said(response), whom)
        return response
    if name in root and not response:
        return {}
    raise MalformedReply(f"the reply holds neither {name} nor error_response")


def _said(envelope: object) -> Said:
    error = envelope if isinstance(envelope, dict) else {}
    text = ": ".join(filter(None, (text_of(error.get("msg", error.get("message"))), text_of(error.get("sub_msg")))))
    codes = (text_of(error.get("code")), text_of(error.get("sub_code")))
    return Said(*codes, text=text, request_id=text_of(error.get("request_id")))


def _asked(counter: Counter) -> dict[str, str]:
    """The call's own parameters. `user_ids` are `main` or `main:sub`; `type` is 4 (system) or 5 (service account)."""
    return {
        "topic": ",".join(counter.topics),
        "fields": ",".join(counter.fields),
        "client_info": counter.client_info or "",
        "user_ids": ",".join(counter.user_ids),
        "need_detail": "true" if counter.need_detail else "false",
        "type": text_of(counter.type),
    }


def _readings(response: dict[str, Any]) -> tuple[Reading, ...]:
    """The rows of a reply; members that `fields` did not ask for are 0 or "". Raises `MalformedReply` for a broken row.

    A broken row costs the whole reply: without it nobody would know that its topic waits.
    """
    return tuple(_reading(row) for row in listed(response, "message_infos", "message_info"))


def _reading(row: object) -> Reading:
    if not isinstance(row, dict):
        raise MalformedReply(f"a row of the counter is {kind(row)}, an object was expected")
    return Reading(
        topic=text_of(row.get("topic")),
        number=_number("number", row),
        total=_number("total", row),
        user_id=text_of(row.get("user_id")),
        sub_user_id=text_of(row.get("sub_user_id")),
        last_msg=text_of(row.get("last_msg")),
    )


def _number(name: str, row: dict[str, Any]) -> int:
    value = row.get(name, 0)
    text = text_of(0 if value is None else value)
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise MalformedReply(f"{name} of the counter is {kind(value)}, a whole number from 0 was expected")
    return int(text)
