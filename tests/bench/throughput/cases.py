"""What is handed to every contender alike: which handler, how many messages a batch, how large a body. Pure."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Drafted = dict[str, Any]
"""A message as the sandbox's control API takes it."""

Handler = Literal["noop", "cpu", "io", "noted", "keyed"]

HANDLERS: dict[Handler, str] = {
    "noop": "no-op",
    "cpu": "1 ms CPU",
    "io": "20 ms I/O",
    "noted": "no-op, noted",
    "keyed": "no-op, each with a key",
}
"""Each handler and how a table names it. `noted` writes a line a message to the journal: id and time. `keyed` is Tidings' alone:
no two messages of a key run at the same time; here all keys differ."""

FILLERS = 16
"""Different texts that fill bodies: real messages are not all alike, and the sandbox packs its replies."""

ALPHABET = "买家已付款订单等待发货0123456789abcdefghijklmnopqrstuvwxyz "


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of work. `body` is the size of a message's content in bytes; the platform answers pulls and confirms after
    `delay_ms` milliseconds more than it takes."""

    handler: Handler = "noop"
    batch: int = 100
    body: int = 512
    accounts: int = 4
    """Each has one pull at a time."""
    delay_ms: int = 0

    @property
    def title(self) -> str:
        """The case as tables name it."""
        many = f"{self.accounts} account{'s' * (self.accounts != 1)}"
        late = f", platform answers after {self.delay_ms} ms" * (self.delay_ms > 0)
        return f"{HANDLERS[self.handler]}, batches of {self.batch}, bodies of {self.body / 1024:g} kB, {many}{late}"


BASE = Case()
"""What everybody is compared by first."""

KEYED = Case("keyed")
"""The same as BASE, to Tidings."""

WIRE = Case(accounts=50, delay_ms=80)
"""Many shops on a platform as far away as they are."""


def topic(handler: Handler) -> str:
    """The topic whose messages go to that handler."""
    return f"bench_{handler}"


def messages(case: Case, number: int) -> Iterator[Drafted]:
    """So many messages of a case."""
    dice = random.Random(case.body)
    fillers = [_filler(dice, case.body) for _ in range(FILLERS)]
    for n in range(number):
        yield {"topic": topic(case.handler), "content": content(n, case.body, fillers[n % FILLERS])}


def dealt(some: Sequence[Drafted], batch: int, lanes: int) -> list[list[Drafted]]:
    """Each lane's part: whole batches go round, so that parts are equal and pulls full as far as the number allows."""
    parts: list[list[Drafted]] = [[] for _ in range(lanes)]
    for n, start in enumerate(range(0, len(some), batch)):
        parts[n % lanes] += some[start : start + batch]
    return parts


def content(number: int, size: int, filler: str) -> str:
    """The JSON text of an event, `size` bytes of UTF-8 where its fields leave room for a filler."""
    event = {"tid": 2_900_000_000_000_000_000 + number, "buyer_nick": "测试买家", "payment": "48.00", "memo": ""}
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    room = size - len(text.encode())
    memo = filler.encode()[: max(0, room)].decode(errors="ignore")
    memo += "." * (room - len(memo.encode()))
    return json.dumps({**event, "memo": memo}, ensure_ascii=False, separators=(",", ":"))


def _filler(dice: random.Random, size: int) -> str:
    return "".join(dice.choices(ALPHABET, k=size))
