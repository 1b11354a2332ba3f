"""The two ways to name a topic: in full, `taobao_trade_TradeCreate`, and short, `TradeCreate`.

vv-tool's page names it short in its table and in full in its sample; Taobao's does so too. Both mean one topic.
"""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import cached_property

PARTS = "_"
"""What stands between the parts of a full name; a short name has none of it."""

ALIKE = 0.85
"""Two names are close from this share of common letters on: a wrong letter or two, or a part left out."""

EQUAL = 0.03
"""Names that differ less in it are equally close."""

SHOWN = 2
"""So many names are suggested at most."""

TELLING = 6
"""So many letters at a name's end tell which it is: BuyerPay, for one, or buyer_pay."""

SEVERAL = re.compile(r"[\s,;|]+")
"""What somebody may write between several topics in one text."""

NO_LETTERS = re.compile(r"[\W_]+")


def is_short(topic: str) -> bool:
    """Whether a topic is written without the parts that say whose it is."""
    return PARTS not in topic


def last_part(topic: str) -> str:
    """The short name of a topic."""
    return topic.rpartition(PARTS)[2]


def by_short_name(known: Iterable[str]) -> dict[str, list[str]]:
    """The known topics that each short name may stand for, in their order: one where it is clear."""
    found: dict[str, list[str]] = {}
    for topic in sorted({topic for topic in known if not is_short(topic)}):
        found.setdefault(last_part(topic), []).append(topic)
    return found


def full_names(short: str, known: Iterable[str]) -> list[str]:
    """Those of one short name; none for what is unknown, or written in full."""
    return by_short_name(known).get(short, [])


class ShortNames:
    """What the short names of topics stand for, by the topics that have a model and those that are registered.

    `own` are the exact topics with a handler of the user's, `fallbacks` those with one that ships.
    """

    def __init__(self, own: Iterable[str], fallbacks: Iterable[str] = ()) -> None:
        self._own = frozenset(own)
        self.registered = self._own.union(fallbacks)

    def full_name(self, topic: str) -> str:
        """The name under which a topic is handled and counted: the full one of a short name that means one topic.

        A short name that is unknown or fits several topics stays as it is, and so does one for which somebody has registered
        another handler than for the full name.
        """
        meant = self.meant(topic)
        return topic if len(meant) != 1 or {topic, meant[0]} <= self._own else meant[0]

    def meant(self, topic: str) -> list[str]:
        """The full names of registered topics, and of those with a model, that a short name fits; none for a full name."""
        return self._by_short.get(topic, []) if is_short(topic) else []

    @cached_property
    def _by_short(self) -> dict[str, list[str]]:
        from handlers.topics import MODELS  # not before somebody needs it: models take a tenth of a second to make

        return by_short_name([*MODELS, *self.registered])


def close(topic: str, among: Iterable[str]) -> tuple[str, ...]:
    """Which of these topics look like this one, by their letters without regard to case, the closest first."""
    if len(several := SEVERAL.split(topic.strip())) > 1:
        known = list(among)
        found = (each for part in several for each in ((part,) if part in known else close(part, known)))
        return tuple(dict.fromkeys(found))[:SHOWN]
    rated = sorted(((_likeness(topic, other), other) for other in among), key=lambda pair: (-pair[0], pair[1]))
    least = max(ALIKE, rated[0][0] - EQUAL) if rated else 0.0
    return tuple(other for likeness, other in rated[:SHOWN] if likeness >= least and other != topic)


def _likeness(one: str, other: str) -> float:
    """The share of letters in common: of the whole names, or of the last parts where that is what somebody wrote."""
    if last_part(one).casefold() == last_part(other).casefold():
        return 1.0
    end = _letters(one)
    if len(end) >= TELLING and _letters(other).endswith(end):
        return 1.0
    whole = letters_in_common(one, other)
    return max(whole, letters_in_common(one, last_part(other))) if is_short(one) else whole


def _letters(name: str) -> str:
    return NO_LETTERS.sub("", name.casefold())


def letters_in_common(one: str, other: str) -> float:
    """The share of letters that two names have in common, without regard to case; 0 where they are not alike."""
    matcher = SequenceMatcher(None, one.casefold(), other.casefold(), autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() >= ALIKE else 0.0
