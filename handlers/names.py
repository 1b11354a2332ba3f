"""The two ways to name a topic: in full, `taobao_trade_TradeCreate`, and short, `TradeCreate`.

vv-tool's page names it short in its table and in full in its sample; Taobao's does so too. Both mean one topic.
"""

from collections.abc import Iterable

PARTS = "_"
"""What stands between the parts of a full name; a short name has none of it."""


def is_short(topic: str) -> bool:
    """Whether a topic is written without the parts that say whose it is."""
    return PARTS not in topic


def last_part(topic: str) -> str:
    """The short name of a topic."""
    return topic.rpartition(PARTS)[2]


def full_names(short: str, known: Iterable[str]) -> list[str]:
    """The known topics that a short name may stand for, in their order: one if it is clear, none for what is unknown."""
    return sorted({topic for topic in known if not is_short(topic) and last_part(topic) == short})
