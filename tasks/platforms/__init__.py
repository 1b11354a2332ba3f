"""The platforms: one client for each, behind the `Client` protocol, and the errors that a call can end in.

    base.py      the protocol and its values         errors.py    the tree of errors
    qianmi.py    taobao.py    vvtool.py              one protocol each, its codes beside it
    http.py      the only way out, with limits       signing.py, clock.py    what a request shows
    envelope.py, reading.py, jsontext.py             what a reply holds, however it is written

A client holds nothing but its gateway's credentials and may be made anew for every call; connections are shared.
"""

from tasks.accounts import Gateway, QianmiGateway, TaobaoGateway, VvtoolGateway
from tasks.platforms.base import Client, Item, Keep, Reading, Reply, Spoilt
from tasks.platforms.errors import (
    BadRequest,
    MalformedReply,
    OutOfQuota,
    PlatformError,
    Throttled,
    Transient,
    Unauthorised,
)
from tasks.platforms.qianmi import QianmiClient
from tasks.platforms.taobao import TaobaoClient
from tasks.platforms.vvtool import VvtoolClient

__all__ = [
    "BadRequest",
    "Client",
    "Item",
    "Keep",
    "MalformedReply",
    "OutOfQuota",
    "PlatformError",
    "Reading",
    "Reply",
    "Spoilt",
    "Throttled",
    "Transient",
    "Unauthorised",
    "client_for",
]


def client_for(gateway: Gateway) -> Client:
    """The client for a gateway, with the credentials that it holds now."""
    match gateway:
        case QianmiGateway():
            return QianmiClient(gateway)
        case TaobaoGateway():
            return TaobaoClient(gateway)
        case VvtoolGateway():
            return VvtoolClient(gateway)
