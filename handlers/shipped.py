"""The handlers that ship: one line of log a message, for topics that no handler of yours takes.

They are fallbacks: a handler of your own for a topic or pattern replaces them for it. To add one, copy a neighbour, give
it your topic and leave `fallback` out. They run where `TIDINGS_HANDLERS` names `handlers`.
"""

import logging

from handlers.message import Message
from handlers.registry import handles
from handlers.text import about, fields

logger = logging.getLogger(__name__)


@handles("taobao_trade_*", fallback=True)
def on_trade(_content: dict[str, object], message: Message) -> None:
    """An order was made, paid, shipped, changed, closed."""
    _log(message)


@handles("taobao_refund_*", fallback=True)
def on_refund(_content: dict[str, object], message: Message) -> None:
    """A refund was asked for, agreed, refused, done."""
    _log(message)


@handles("taobao_item_*", fallback=True)
def on_item(_content: dict[str, object], message: Message) -> None:
    """An item was added, changed, put on or off the shelf, or its stock moved."""
    _log(message)


@handles("taobao_logistics_*", fallback=True)
def on_logistics(_content: dict[str, object], message: Message) -> None:
    """A parcel went one step further."""
    _log(message)


@handles("qianmi_*", "bm_*", fallback=True)
def on_qianmi(_content: dict[str, object], message: Message) -> None:
    """Anything from Qianmi or its fork."""
    _log(message)


def _log(message: Message) -> None:
    """Whose message, about what, from when; never its content, which tells of buyers."""
    published = message.published.isoformat() if message.published else "unknown"
    logger.info("%s published %s", about(message), published, extra=fields("message_logged", message))
