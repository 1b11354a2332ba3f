"""Qianmi's QMOP: consume and confirm (open.qianmi.com; the reply's shape as the vendor's Java SDK reads it)."""

from collections.abc import Sequence
from typing import Any

from tasks.accounts import Account, QianmiAccount, QianmiGateway
from tasks.platforms import clocks, http, jsontext
from tasks.platforms.arguments import joined, own
from tasks.platforms.base import Keep, Reading, Reply
from tasks.platforms.envelope import listed, must_succeed, tells_of_error, text_of
from tasks.platforms.errors import BadRequest, MalformedReply
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
from tasks.platforms.signing import qianmi_sign

BARE = frozenset({"qmcs_messages", "is_success"})
"""By any of these members the root is the response itself."""

PERMISSION = "ask open.qianmi.com to permit the app of gateways.{gateway} this API"
USER_PERMISSION = "let the seller of accounts.{account} permit the app this API"
ACCESS = "renew gateways.{gateway}.access_token"
APP_KEY = "check gateways.{gateway}.app_key"
SIGNATURE = "check gateways.{gateway}.app_secret and this machine's clock"

TABLE = Table(
    codes={
        "1": transient,  # service unavailable or timed out
        "2": unauthorised("gateway", PERMISSION),
        "3": unauthorised("account", USER_PERMISSION),
        "4": bad_request(),  # upload failed
        "5": bad_request("gateway"),  # HTTP verb
        "6": bad_request("gateway"),  # encoding
        "7": transient,  # forbidden, as the platform is overloaded
        "8": bad_request("gateway"),  # method obsolete
        "9": bad_request(),  # business error
        "20": unauthorised("account", ACCESS),
        "21": unauthorised("account", ACCESS),
        "22": unauthorised("gateway", APP_KEY),
        "23": unauthorised("gateway", APP_KEY),
        "24": unauthorised("gateway", SIGNATURE),
        "25": unauthorised("gateway", SIGNATURE),
        "26": bad_request("gateway"),  # method missing
        "27": bad_request("gateway"),  # method unknown
        "28": bad_request("gateway"),  # version missing
        "29": bad_request("gateway"),  # no such version
        "30": bad_request("gateway"),  # version not supported
        "31": bad_request("gateway"),  # format
        "32": bad_request(),  # parameter missing
        "33": bad_request(),  # parameter invalid
        "34": out_of_quota("account"),  # the user's calls
        "35": out_of_quota("account"),  # the session's calls
        "36": out_of_quota("gateway"),  # the app's calls
        "37": throttled,
        "40": bad_request(),  # from here on the vendor's own client, never the server
        "41": bad_request(),
    },
    sub_codes={
        "isv.invalid-paramete:timestamp": wrong_time,  # spelled so
    },
)
"""What the codes mean: the error table of the open-source ROP framework, which its gateway runs on."""


class QianmiClient:
    """One Qianmi app. A message that is not confirmed comes again after ten minutes."""

    confirm_limit = 100
    """The API's page says 100 ids, a comment in the SDK 200: the lower one holds under both."""

    def __init__(self, gateway: QianmiGateway) -> None:
        self._gateway = gateway

    def pull(self, account: Account, *, keep: Keep | None = None) -> Reply:
        mine, whom = own(account, QianmiAccount), self._whom(account.name)
        wanted = {"group_name": mine.group or "", "quantity": str(mine.quantity)}
        return _reply(self._call("qianmi.qmcs.messages.consume", wanted, whom, keep), whom)

    def read(self, body: bytes) -> Reply:
        return _reply(body, self._whom())

    def confirm(self, account: Account, receipts: Sequence[str]) -> None:
        """Confirm 1 to 100 ids, else `ValueError`, whatever group they were pulled in."""
        whom = self._whom(account.name)
        body = self._call("qianmi.qmcs.messages.confirm", {"s_message_ids": joined(receipts, self.confirm_limit)}, whom)
        must_succeed(_response(body, whom))

    def count(self, account: Account) -> tuple[Reading, ...]:
        raise BadRequest(f"qianmi has no counter: remove it from accounts.{account.name}")

    def _whom(self, account: str = "*") -> Whom:
        secrets = (self._gateway.app_secret, self._gateway.access_token)
        return Whom(self._gateway.name, account, tuple(secret.get_secret_value() for secret in secrets if secret))

    def _call(self, method: str, wanted: dict[str, str], whom: Whom, keep: Keep | None = None) -> bytes:
        token = self._gateway.access_token
        form = wanted | {
            "method": method,
            "appKey": self._gateway.app_key,
            "v": "1.1",
            "format": "json",
            "timestamp": clocks.timestamp(self._gateway.url),
            "access_token": token.get_secret_value() if token else "",
        }
        form = {name: value for name, value in form.items() if value}
        form["sign"] = qianmi_sign(form, self._gateway.app_secret.get_secret_value())
        answer = http.post(self._gateway.url, form, keep=keep)
        return usable(answer, lambda body: _response(body, whom), STATUSES, whom)


def _reply(body: bytes, whom: Whom) -> Reply:
    return gather(listed(_response(body, whom), "qmcs_messages", "qmcs_message"), lambda _, row: item_of(row, _id))


def _id(value: object) -> str:
    """`confirm` takes a comma list, so that an id with a comma would confirm other messages."""
    text = whole_id(value)
    if "," in text:
        raise UnreadableItem("the id holds a comma")
    return text


def _response(body: bytes, whom: Whom) -> dict[str, Any]:
    """The response, or the root as `simplify` has it. Raises what an error means, also one in another envelope.

    It is the root's first member that is an object, whatever its name, as in the vendor's SDK, but for one that is named so.
    """
    root = jsontext.decode(body)
    if root.get("errorToken"):
        raise TABLE.fault(_said(root), whom)
    if BARE & root.keys():
        return root
    named = sorted(root.items(), key=_other_than_response)
    response = next((value for name, value in named if isinstance(value, dict) and name != "subErrors"), None)
    if response and BARE & response.keys():
        return response
    for said in (response or {}, root):
        if tells_of_error(said):
            raise TABLE.fault(_said(said), whom)
    if response is not None:
        return response
    if any(name.endswith("_response") and not value for name, value in root.items()):
        return {}
    raise MalformedReply("the reply holds neither a response nor an error")


def _other_than_response(member: tuple[str, object]) -> bool:
    return not member[0].endswith("_response")


def _said(root: dict[str, Any]) -> Said:
    """The envelope's words. `subErrors` is an array on the wire, `{"subError": [...]}` on the doc page, or left out."""
    subs = root.get("subErrors")
    if isinstance(subs, dict):
        subs = subs.get("subError")
    first = subs[0] if isinstance(subs, list) and subs else subs
    sub = first if isinstance(first, dict) else {}
    words = root.get("message", root.get("msg", root.get("errorMessage")))
    text = ": ".join(filter(None, (text_of(words), text_of(sub.get("message")))))
    code = text_of(root.get("code", root.get("errorCode")))
    return Said(code, text_of(sub.get("code")), text, text_of(root.get("request_id")))
