"""Posts every message to a URL, in the form of Standard Webhooks: for back ends that are not written in Python.

    TIDINGS_HANDLERS=handlers.webhook
    TIDINGS_WEBHOOK_URL=https://erp.example.com/tidings     # an account's own: extra = { webhook_url = "https://…" }
    TIDINGS_WEBHOOK_SECRET=file:/run/secrets/webhook        # an account's own: extra = { webhook_secret = "env:…" }
    TIDINGS_WEBHOOK_TOPICS=taobao_trade_*,qianmi_*          # all, unless told; an exact topic of your own wins
    TIDINGS_WEBHOOK_ALLOW=erp.internal,10.1.0.0/16          # hosts and networks that may be private
    TIDINGS_WEBHOOK_AT_ONCE=20                              # posts at a time while answers take long

An answer of 2xx means handled. 410 and 422 bury the message; after anything else, or nothing, it is posted again, with the same
`webhook-id`, after the time that `Retry-After` names or a growing one.
"""

import os
import time
from collections.abc import Mapping
from typing import Any

from handlers.errors import HandlersError
from handlers.event import body, idempotency_key
from handlers.message import Message, Retry
from handlers.posting.answers import judge
from handlers.posting.connections import Connections
from handlers.posting.environment import Environment
from handlers.posting.reach import OutOfReach, reach
from handlers.posting.signing import WRITE, Signer, signer
from handlers.posting.target import WRITE as WRITE_URL
from handlers.posting.target import BadTarget, Target, target
from handlers.registry import handles

PREFIX = "TIDINGS_WEBHOOK_"
LONGEST_SECONDS = 15.0
"""A receiver that takes longer to answer is taken for broken: it should note what came and answer."""

SHARE = 0.9
"""The part of the time left to a message that one post may take."""

AT_ONCE = 20
"""A back end that takes 50 ms is posted to 400 times a second, and one that is overloaded not by hundreds at a time."""

ACCOUNTS = "accounts"

_told = Environment(os.environ, PREFIX, ("URL", "SECRET", "TOPICS", "ALLOW", "AT_ONCE"))
_usual_signer = signer(_told.secret("SECRET", WRITE), f"{PREFIX}SECRET")
_reach = reach(_told.listed("ALLOW"), os.environ, f"{PREFIX}ALLOW")
_connections = Connections(_reach)


def _everybodys() -> Target | None:
    url = _told.required("URL", f"write https://…, or `{ACCOUNTS}` where every account has extra.webhook_url")
    if url == ACCOUNTS:
        return None
    try:
        found = target(url)
        _reach.look_at(found.host, found.port)
    except (BadTarget, OutOfReach) as error:
        raise HandlersError(f"{PREFIX}URL: {error}") from None
    return found


_usual = _everybodys()


TOPICS = _told.topics()


@handles(*TOPICS, boxed=True, at_once=_told.whole("AT_ONCE", AT_ONCE, least=0))
def post(message: Message) -> None:
    """Post one message. Raises `Reject` or `Retry`."""
    whom = _target(message.extra)
    sent = body(message)
    headers = {"Content-Type": "application/json", "User-Agent": "Tidings"}
    headers |= _signer(message.extra).headers(idempotency_key(message), int(time.time()), sent)
    if whom.authorization:
        headers["Authorization"] = whom.authorization
    if message.traceparent:
        headers["traceparent"] = message.traceparent
    answer = _connections.post(whom, headers, sent, min(LONGEST_SECONDS, SHARE * message.deadline))
    judge(answer.status, answer.retry_after, whom.origin, answer.date)


def wrong(extra: Mapping[str, Any]) -> str:
    """What each post of an account whose table this is would fail with, as far as nobody is asked for it; "" for nothing."""
    try:
        if "webhook_url" in extra or TOPICS == ("*",):  # else it may have no message that comes here
            whom = _target(extra)
            _reach.look_at(whom.host, whom.port)
        _signer(extra)
    except (Retry, OutOfReach) as error:
        return str(error)
    return ""


def _target(extra: Mapping[str, Any]) -> Target:
    """The account's own address, or everybody's."""
    own = extra.get("webhook_url")
    if own is None and _usual is not None:
        return _usual
    if own is None:
        raise Retry(f"the account has no extra.webhook_url, and {PREFIX}URL={ACCOUNTS} leaves it to each: {WRITE_URL}")
    try:
        return target(own if isinstance(own, str) else "")
    except BadTarget as error:
        raise Retry(f"extra.webhook_url of the account cannot be posted to: {error}") from None


def _signer(extra: Mapping[str, Any]) -> Signer:
    """What signs with the account's own secret, or with everybody's."""
    own = extra.get("webhook_secret")
    if own is None:
        return _usual_signer
    try:
        return signer(str(own), "extra.webhook_secret of the account")
    except HandlersError as error:
        raise Retry(str(error)) from None
