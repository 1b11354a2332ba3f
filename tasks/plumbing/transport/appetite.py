"""How far ahead of Celery's places a consumer of RabbitMQ may be, and which acknowledgements can be told as one. Pure."""

from collections.abc import Collection, Iterable

SIZES = (10, 25, 50, 100, 200)
"""How many messages RabbitMQ may send ahead. Each change is a command in the log of a quorum queue, hence few of them."""

SHRINK = 4
"""A size is given up for a smaller one when no more than this part of it is wanted."""


def ahead(lately: int, places: int, now: int) -> int:
    """How many messages to let RabbitMQ send ahead, when so many ended in the last window and `now` is the size until now.

    None while a place does not have more than one task a window: a message ahead would wait for a task that is slow.
    """
    if lately <= places:
        return 0
    fits = next((size for size in SIZES if size >= lately), SIZES[-1])
    return fits if fits > now or lately * SHRINK <= now else now


def together(done: Collection[int], open_: Iterable[int]) -> tuple[int, list[int]]:
    """What to acknowledge: everything up to a tag (0: nothing), and the tags besides. `open_` are the others in hand."""
    first = min(open_, default=None)
    upto = max((tag for tag in done if first is None or tag < first), default=0)
    return upto, sorted(tag for tag in done if tag > upto)
