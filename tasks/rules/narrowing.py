"""Which ids of a list a platform refuses, when it refuses the list: halves of it are tried, unless it is no id's fault. Pure."""

from collections.abc import Sequence

from tasks.platforms.errors import PlatformError

STREAK = 10
"""After so many refusals in a row (one bad id among 200 takes nine) as many ids are tried one by one, from all over what is left.
If none of them is taken either, it is no id's fault: without an end, a group that is gone would cost 399 calls a lease."""

Ids = list[str]


def narrowed(refused: Ids, pending: Sequence[Ids], in_a_row: int, error: PlatformError) -> tuple[list[Ids], Ids]:
    """What to try next, the last first, and what to try no more, when a list was refused, the so-manieth in a row."""
    if error.scope == "gateway" or in_a_row >= 2 * STREAK:
        return [], [each for some in (refused, *pending) for each in some]
    middle = len(refused) // 2
    left = [*pending, refused[:middle], refused[middle:]] if middle else [*pending]
    return _spread(left) if in_a_row == STREAK else left, [] if middle else refused


def _spread(lists: Sequence[Ids]) -> list[Ids]:
    """The same ids, `STREAK` of them by themselves and first."""
    ids = [each for some in lists for each in some]
    alone = ids[:: max(1, -(-len(ids) // STREAK))]
    others = [[each for each in some if each not in alone] for some in lists]
    return [*filter(None, others), *([each] for each in alone)]
