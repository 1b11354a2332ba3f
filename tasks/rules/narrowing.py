"""Which ids of a list a platform refuses, when it refuses the list: halves of it are tried, unless it is no id's fault. Pure."""

from collections.abc import Sequence
from typing import TypeVar

from tasks.platforms.errors import BadRequest

REFUSALS = 16
"""So many in a row, with nothing taken between them, are not for single ids: one bad id among 200 takes nine, four neighbours
fourteen. Without an end, a group that is gone would cost 399 calls a batch, with every lease again."""

Id = TypeVar("Id")


def narrowed(refused: Sequence[Id], in_a_row: int, error: BadRequest) -> list[Sequence[Id]] | None:
    """What to try in place of a list that was refused, the so-manieth in a row: nothing for a single id; None to try no more."""
    if error.scope == "gateway" or in_a_row >= REFUSALS:
        return None
    middle = len(refused) // 2
    return [refused[:middle], refused[middle:]] if middle else []
