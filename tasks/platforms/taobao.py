"""Taobao's TOP: consume and confirm of its message service, and the counter (open.taobao.com, API 21986 and 21985)."""

from collections.abc import Sequence
from typing import Any

from tasks.accounts import Account, TaobaoAccount, TaobaoGateway
from tasks.clock import timestamp
from tasks.platforms import http, jsontext
from tasks.platforms.arguments import joined, own
from tasks.platforms.base import Keep, Reading, Reply
from tasks.platforms.counter import parameters, readings
from tasks.platforms.envelope import listed, must_succeed, text_of
from tasks.platforms.errors import BadRequest, MalformedReply, Unauthorised
from tasks.platforms.faults import Said, Whom
from tasks.platforms.reading import Unreadable, gather, item_of, whole_id
from tasks.platforms.refusals import STATUSES, usable
from tasks.platforms.signing import top_sign
from tasks.platforms.taobao_codes import SESSION, TABLE

CONSUME = "taobao.tmc.messages.consume"
CONFIRM = "taobao.tmc.messages.confirm"
COUNT = "taobao.jindoucloud.messagecount.get"


class TaobaoClient:
    """One Taobao app. A message that is not confirmed comes again after five or six minutes, for a day."""

    confirm_limit = 200

    def __init__(self, gateway: TaobaoGateway) -> None:
        self._gateway = gateway

    def pull(self, account: Account, *, keep: Keep | None = None) -> Reply:
        mine = own(account, TaobaoAccount)
        whom = self._whom(mine)
        body = self._call(CONSUME, {"group_name": mine.group or "", "quantity": str(mine.quantity)}, whom)
        if keep is not None:
            keep(body)
        return _reply(body, whom)

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
        wanted = parameters(mine.counter) | {"session": mine.session.get_secret_value()}
        return readings(_response(COUNT, self._call(COUNT, wanted, whom), whom))

    def _whom(self, account: TaobaoAccount | None = None) -> Whom:
        session = account.session if account else None
        secrets = [secret.get_secret_value() for secret in (self._gateway.app_secret, session) if secret]
        return Whom(self._gateway.name, account.name if account else "*", tuple(secrets))

    def _call(self, method: str, wanted: dict[str, str], whom: Whom) -> bytes:
        form = wanted | {
            "method": method,
            "app_key": self._gateway.app_key,
            "sign_method": self._gateway.sign_method,
            "v": "2.0",
            "format": "json",
            "timestamp": timestamp(),
        }
        form = {name: value for name, value in form.items() if value}
        form["sign"] = top_sign(form, self._gateway.app_secret.get_secret_value(), self._gateway.sign_method)
        answer = http.post(self._gateway.url, form)
        return usable(answer, lambda body: _response(method, body, whom), STATUSES, whom)


def _reply(body: bytes, whom: Whom) -> Reply:
    return gather(listed(_response(CONSUME, body, whom), "messages", "tmc_message"), lambda _, row: item_of(row, _id))


def _id(value: object) -> str:
    """One id that is no number would spoil the confirm of all others with it."""
    text = whole_id(value)
    if not (text.isascii() and text.isdigit()):
        raise Unreadable("the id is no number")
    return text


def _response(method: str, body: bytes, whom: Whom) -> dict[str, Any]:
    """The response under its method's name, or bare as `simplify` has it. Raises what an error means."""
    root = jsontext.decode(body)
    if "error_response" in root:
        raise TABLE.fault(_said(root["error_response"]), whom)
    name = method.removeprefix("taobao.").replace(".", "_") + "_response"
    response = root.get(name, root if "request_id" in root or "messages" in root else None)
    if isinstance(response, dict):
        return response
    if name in root and not response:
        return {}
    raise MalformedReply(f"the reply holds neither {name} nor error_response")


def _said(envelope: object) -> Said:
    error = envelope if isinstance(envelope, dict) else {}
    text = ": ".join(filter(None, (text_of(error.get("msg")), text_of(error.get("sub_msg")))))
    codes = (text_of(error.get("code")), text_of(error.get("sub_code")))
    return Said(*codes, text=text, request_id=text_of(error.get("request_id")))
