"""What a run comes to: the verdict by platform, messages a second, the longest gap without a confirm. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from typing import NamedTuple

from tests.end_to_end.chaos.verdict import KILLED_WITHIN, Deed, Known, Sums, judge

SHOWN = 8
"""Lines about messages that did not end well."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The longest time without a confirm: from when (seconds since the epoch), and how long."""

    began: float = 0.0
    seconds: float = 0.0


Span = tuple[float, float]
"""What Redis was told between these two moments is gone at the second one: seconds since the epoch."""


class Gone(NamedTuple):
    """How many messages are to be handled once more, as their marks are gone, and how many of vvtool are lost with the inbox."""

    again: int
    lost: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole run. `leased` sums up taobao and qianmi, which send again what is not confirmed; `given` vvtool, which does not.
    `second` is messages a second from the first one's publishing to the last one's end; `most` that of the best second."""

    leased: Sums
    given: Sums
    gap: Gap
    second: float
    most: int
    deeds: Sequence[Deed]
    gone: Gone

    @property
    def waiting(self) -> int:
        """Messages, and replies of the inbox, that are not done with yet."""
        return self.leased.all.waiting + self.given.all.waiting + self.given.inbox

    @property
    def twice(self) -> int:
        """Handlings too many."""
        return self.leased.all.twice + self.given.all.twice

    @property
    def early(self) -> int:
        """Messages confirmed before they were handled."""
        return self.leased.all.early + self.given.all.early


def outcome(known: Known, spans: Sequence[Span] = ()) -> Outcome:
    """All that is to be told of what is known; `spans` is what Redis has forgotten."""
    parts = [{actor: rows for actor, rows in known.ledger.items() if actor.confirms is each} for each in (True, False)]
    leased, given = (judge(replace(known, ledger=part)) for part in parts)
    rows = [row for part in known.ledger.values() for row in part]
    ended = sorted(min(times) for times in known.handled.values() if times)
    began = min((row["published"] for row in rows), default=0.0)
    second = len(ended) / (ended[-1] - began) if ended else 0.0
    confirms = sorted(row["confirmed"] for row in rows if row["confirmed"] is not None)
    return Outcome(leased, given, longest(confirms), second, best_second(ended), known.deeds, gone(known, spans))


def gone(known: Known, spans: Sequence[Span]) -> Gone:
    """What a Redis explains that has forgotten what it was told in these spans."""
    again = lost = 0
    for actor, rows in known.ledger.items():
        for row in rows:
            pulled = row["deliveries"][0] if row["deliveries"] else inf
            handled = min(known.handled.get((actor.name, row["id"]), ()), default=inf)
            for began, ended in spans:
                marked = began <= handled <= ended
                if actor.confirms:
                    again += marked and (row["confirmed"] or inf) >= ended
                else:
                    again += marked and pulled < began
                    lost += began - KILLED_WITHIN <= pulled <= ended < handled
    return Gone(again, lost)


def longest(moments: Sequence[float]) -> Gap:
    """The longest gap in moments that are in order."""
    gaps = (Gap(before, after - before) for before, after in pairwise(moments))
    return max(gaps, key=lambda gap: gap.seconds, default=Gap())


def best_second(moments: Sequence[float]) -> int:
    """How many of these moments, which are in order, lie within one second at the most."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def told(found: Outcome) -> Iterator[str]:
    """The outcome in lines."""
    leased, given = found.leased.all, found.given.all
    figures = {
        "messages": leased.published + given.published,
        "handled, buried": f"{leased.handled + given.handled}, {leased.buried + given.buried}",
        "confirmed": f"{leased.confirmed} of {leased.published} (vvtool takes no confirms)",
        "lost": f"{leased.lost} on taobao and qianmi, {given.lost} on vvtool",
        "lost between vvtool and us": found.given.on_the_way,
        "confirmed early": found.early,
        "handled twice": f"{found.twice} ({leased.twice} on taobao and qianmi, {given.twice} on vvtool)",
        "not ended": found.waiting,
        "messages a second": f"{found.second:.0f} on average, {found.most} in the best second",
        "longest gap without confirm": f"{found.gap.seconds:.1f} s{since(found)}",
    }
    yield from (f"  {name:<28}{figure}" for name, figure in figures.items())
    for sums in (found.leased, found.given):
        yield from (
            f"  {what}: {len(ids)} messages, {ids[0]} the first" for what, ids in list(sums.odd.items())[:SHOWN]
        )


def since(found: Outcome) -> str:
    """What was done last before the gap began, or while it lasted."""
    within = [deed for deed in found.deeds if deed.began < found.gap.began + found.gap.seconds]
    if not within:
        return ""
    last = max(within, key=lambda deed: deed.began)
    return f", from {found.gap.began - last.began:+.1f} s after: {last.what}"
