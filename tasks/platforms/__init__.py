"""The platforms: one client for each, behind the `Client` protocol, and the errors that a call can end in.

    base.py      the protocol and its values         errors.py    the tree of errors
    qianmi.py    taobao.py    vvtool.py              one protocol each, with its codes
    faults.py    the error that a code means
    clients.py   the client for a gateway
    http.py      the only way out, with limits       signing.py    how a request is signed
    connections.py, receiving.py                     below it: one write, and one reply from the socket
    envelope.py, reading.py, jsontext.py             what a reply holds, however it is written

A client holds nothing but its gateway's credentials and may be made anew for every call; connections are shared.
"""

from tasks.platforms.base import Client, Item, Keep, Reading, Reply, Spoilt
from tasks.platforms.errors import (
    BadRequest,
    Declined,
    MalformedReply,
    OutOfQuota,
    PlatformError,
    Throttled,
    Transient,
    Unauthorised,
    Unavailable,
)

__all__ = [
    "BadRequest",
    "Client",
    "Declined",
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
    "Unavailable",
]
