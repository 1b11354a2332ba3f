"""Contents that lie apart from the tasks of their messages, for as long as their batch is under way.

A task's message is written to its queue as base64, popped and recorded there, read by a worker's main process and written to one
of its pool: with each of these steps a content of 50 kB is copied. What is kept here is written once and read by who handles it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tasks.store.chunks import pipelined
from tasks.store.connection import Client
from tasks.store.keys import key

Names = Sequence[str]

PORTION_BYTES = 256 * 2**10
"""What one command writes, or little more: one of 5 MB takes four times as long a byte, for the memory it is put together in."""


class Contents:
    """The contents of each handing out of a batch, by the names of their messages."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis

    def keep(self, handing_out: str, contents: Mapping[str, bytes], seconds: float, *, pipe: Any) -> None:
        """Keep contents, by `field`, until the batch is closed, and for so many seconds at the most."""
        where = key("contents", handing_out)
        for some in portions(contents):
            pipe.hset(where, mapping=some)
        pipe.expire(where, max(1, round(seconds)))

    def get(self, many: Iterable[tuple[str, Names]]) -> list[str | None]:
        """The content of each message, given the handing out of its batch and its names; None where it is gone."""
        wanted = [(batch, field(names)) for batch, names in many]
        asked: dict[str, dict[str, str | None]] = {}
        for batch, name in wanted:
            asked.setdefault(batch, {})[name] = None
        commands = (("HMGET", key("contents", batch), *names) for batch, names in asked.items())
        for names, found in zip(asked.values(), pipelined(self.redis, commands), strict=True):
            names.update(zip(names, found, strict=True))
        return [asked[batch][name] for batch, name in wanted]


def portions(contents: Mapping[str, bytes]) -> Iterator[dict[str, bytes]]:
    """The contents in parts, each of little more than `PORTION_BYTES` or of a single one."""
    some: dict[str, bytes] = {}
    for name, content in contents.items():
        some[name] = content
        if sum(map(len, some.values())) >= PORTION_BYTES:
            yield some
            some = {}
    if some:
        yield some


def field(names: Names) -> str:
    """What a message is called among those of its batch."""
    return ":".join(names)
