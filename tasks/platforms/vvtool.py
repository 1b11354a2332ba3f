"""vv-tool's tbconsume, a paid proxy for Taobao's messages (api.vv-tool.com, `tool/erps/tbconsume`)."""

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from tasks.accounts import Account, VvtoolAccount, VvtoolGateway
from tasks.platforms import http, jsontext
from tasks.platforms.arguments import own
from tasks.platforms.base import Item, Keep, Reading, Reply
from tasks.platforms.envelope import listed, text_of
from tasks.platforms.errors import BadRequest, MalformedReply
from tasks.platforms.faults import STATUSES, Said, Table, Whom, bad_request, throttled, transient, unauthorised, usable
from tasks.platforms.reading import UnreadableItem, gather, item_of, whole_id
from tasks.platforms.receiving import MESSAGES

_LINK = re.compile(r"https?://[\w.~:/?#\[\]@!$&'()*+,;=%-]+", re.ASCII)
_ROWS = re.compile(r'"msg(?:_data)?"\s*:\s*\[')
_ROOT = re.compile(r'\{\s*"code"\s*:')
_PRICE = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)
_BETWEEN = re.compile(r"[\s,]*")
_NEXT = re.compile(r',\s*(?=\{\s*"(?:id|msg_data)"\s*:)')
"""Where another row begins: inside a text the quotes would be escaped."""

ACCESS = "renew gateways.{gateway}.token: it is bound to the address that asked for it, and a newer one ends it"
PERMISSION_OR_CALLS = (
    "at vv-tool, for the token of gateways.{gateway}, either get this API permitted or buy calls: one code means both"
)
AUTHORISE = "let the shop of accounts.{account} authorise the app again: {link}"
ORDER = "let the shop of accounts.{account} order the app, or set its edition to the one that it ordered"

TABLE = Table(
    {
        "100": bad_request(),  # parameter
        "101": transient,  # timed out
        "103": bad_request(),  # no such wangwang account
        "200": transient,
        "202": throttled,  # "try later"; more than 10 calls a second end in this one, too
        "203": bad_request(),  # interface not supported
        "204": unauthorised("gateway", PERMISSION_OR_CALLS),
        "302": unauthorised("account", AUTHORISE),
        "303": unauthorised("account", ORDER),
        "401": unauthorised("gateway", ACCESS),
        "404": bad_request("gateway"),  # path or verb
        "501": unauthorised("account", ORDER),
        "614": unauthorised("account", ORDER),
    }
)
"""What the codes mean (its tbconsume page; 303, 501 and 614 from public clients)."""

HTTP_TABLE = Table({**STATUSES.codes, "401": TABLE.codes["401"], "404": TABLE.codes["404"]})
"""The HTTP statuses that repeat a code."""


class VvtoolClient:
    """One vv-tool token. What a call returns is gone from the proxy: `keep` is the only way not to lose it."""

    confirm_limit = 200
    """One whole reply. There is no call behind it, see `confirm`."""

    def __init__(self, gateway: VvtoolGateway) -> None:
        self._gateway = gateway

    def pull(self, account: Account, *, keep: Keep | None = None) -> Reply:
        """Messages with their place in the reply as receipts, and the points that the call cost."""
        mine, whom = own(account, VvtoolAccount), self._whom(account.name)
        form = {"shop_id": mine.shop_id, "quantity": str(mine.quantity), "vvtype": str(mine.edition)}
        if mine.topic:
            form["msg_type"] = mine.topic
        token = f"Bearer {self._gateway.token.get_secret_value()}".encode()
        answer = http.post(self._gateway.url, form, {"Authorization": token}, keep=keep)
        if not ((answer.ok and answer.body) or MESSAGES in answer.body):
            usable(answer, lambda refusal: _data(jsontext.decode(refusal), whom), HTTP_TABLE, whom)
        try:
            return _reply(answer.body, whom)
        except MalformedReply as malformed:
            raise answer.fault or malformed from None

    def read(self, body: bytes) -> Reply:
        """The same receipts as when the body was pulled."""
        return _reply(body, self._whom())

    def confirm(self, account: Account, receipts: Sequence[str]) -> None:  # noqa: ARG002
        """Always raises `BadRequest`: the platform has nothing to confirm with. Tidings' own inbox settles these."""
        raise BadRequest(f"vvtool has no confirm: accounts.{account.name} is settled in the inbox")

    def count(self, account: Account) -> tuple[Reading, ...]:
        raise BadRequest(f"vvtool has no counter: remove it from accounts.{account.name}")

    def _whom(self, account: str = "*") -> Whom:
        return Whom(self._gateway.name, account, (self._gateway.token.get_secret_value(),))


def _reply(body: bytes, whom: Whom) -> Reply:
    """What the body holds. A broken one, as it will not be sent again, counts row by row and for the least price."""
    try:
        root = jsontext.decode(body)
    except MalformedReply:
        if rows := _rows_in(body):
            return gather(rows, _item, points=1)
        root = _root_in(body)
        if not root:
            raise
    data = _data(root, whom)
    cost = data.get("withholding_money") if isinstance(data, dict) else None
    return gather(_rows(data), _item, points=_points(cost))


def _data(root: dict[str, Any], whom: Whom) -> object:
    """The `data` of a success, or with messages, which never come again, under any code: what that means, the next call tells.
    Raises what another code means."""
    code, data = text_of(root.get("code")), root.get("data")
    if code == "0" or _has_messages(data):
        return data
    if not code:
        raise MalformedReply("the reply holds no code")
    raise TABLE.fault(Said(code, text=text_of(root.get("msg")), link=_link(root)), whom)


def _has_messages(data: object) -> bool:
    try:
        rows = _rows(data)
    except MalformedReply:
        return False
    return any(isinstance(row, dict) and row.get("msg_data") for row in rows)


def _link(root: dict[str, Any]) -> str:
    """The first address in an error's reply: code 302 says where to authorise, though not in which member."""
    found = _LINK.search(jsontext.raw([root.get("data"), root.get("msg"), root]))
    return found[0].rstrip(".,;:!)]'") if found else ""


def _rows(data: object) -> list[Any]:
    """`data.msg`, a list, or `data.msg_data`, as the page's table has it, where that is empty or left out.

    PHP, which the proxy runs on, writes a list with gaps as an object with numbers for names, and a text of what was JSON.
    """
    data = _opened(data)
    rows = _opened(data.get("msg") or data.get("msg_data")) if isinstance(data, dict) else data
    if isinstance(rows, list):
        return rows
    if isinstance(rows, dict) and all(name.isdigit() for name in rows):
        return list(rows.values())
    return listed(data, "msg")


def _opened(value: object) -> object:
    """What stands in a text that is JSON, were it written as one several times; anything else as it is."""
    with suppress(ValueError):
        while isinstance(value, str):
            value = jsontext.loads(value)
    return value


def _item(place: int, row: object) -> Item:
    """The message inside a row: JSON text in `msg_data`, whose own id counts; the row's is the proxy's counter."""
    receipt = str(place)
    inner = row.get("msg_data") if isinstance(row, dict) else row
    inner = _opened(inner)
    if isinstance(inner, str):
        raise UnreadableItem("msg_data is no JSON", receipt)
    return item_of(inner, whole_id, receipt)


def _points(cost: object) -> int:
    """The call's price, rounded up; 0 when it is left out, as resellers do, or no number. PHP often writes numbers as text."""
    if isinstance(cost, str) and _PRICE.fullmatch(cost):
        cost = float(cost)
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 <= cost < 1e9:
        return 0
    return math.ceil(cost)


def _rows_in(body: bytes) -> list[object]:
    """The rows of `data.msg`, the broken ones and a torn last one as text; none when no list began."""
    text = jsontext.text(body)
    start = _ROWS.search(text)
    rows: list[object] = []
    place = _next_value(text, start.end()) if start else len(text)
    while place < len(text) and text[place] != "]":
        try:
            row, end = jsontext.DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            found = _NEXT.search(text, place)
            end = found.start() if found else len(text)
            row = text[place:end]
        rows.append(row)
        place = _next_value(text, end)
    return rows


def _root_in(body: bytes) -> dict[str, Any]:
    """What the platform says among a notice that PHP has written before or behind it; nothing where a message may be."""
    text = jsontext.text(body)
    start = None if MESSAGES in body else _ROOT.search(text)
    with suppress(ValueError, RecursionError):
        return jsontext.DECODER.raw_decode(text, start.start())[0] if start else {}
    return {}


def _next_value(text: str, place: int) -> int:
    found = _BETWEEN.match(text, place)
    return found.end() if found else place
