"""Many accounts at one worker with one hand, in a time that only the work itself takes: waits are exact on any machine.

The product's own tasks run on a real Valkey against the sandbox's state. Tasks are taken from the three queues in turn, as
kombu does, and each takes the time that its kind is said to take; due accounts are polled as beat does it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import time_machine

from handlers import Message
from tasks import sending
from tasks.runtime import Stores, accounts
from tasks.sandbox.memory.queue import Entry
from tasks.sandbox.memory.state import Publication
from tests.integration.guarantees.clock import Clock
from tests.integration.guarantees.platform import TOPIC, Platforms
from tests.integration.guarantees.worker import Run

GATEWAY = """
[gateways.gateway]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
lease_seconds = {lease}
"""
ACCOUNT = """
[accounts.{name}]
gateway = "gateway"
group = "{name}"
quantity = {quantity}
poll = {{ min = {least}, max = {longest} }}
"""


def accounts_file(
    names: Iterable[str], *, lease: float = 300, quantity: int = 100, poll: tuple[float, float] = (1, 60)
) -> str:
    """The accounts file of these accounts."""
    least, longest = poll
    each = (ACCOUNT.format(name=name, quantity=quantity, least=least, longest=longest) for name in names)
    return GATEWAY.format(lease=lease) + "".join(each)


@dataclass
class Floor:
    """The worker's surroundings. `seconds` tells what a task of each queue takes, `idle` when a worker without one looks again.

    Needs `take_over_scripts` before the stores are made, and settings and an accounts file of the test's.
    """

    redis: Any
    stores: Stores
    traveller: time_machine.Traveller
    seconds: dict[str, float] = field(default_factory=lambda: {"consume": 0.02, "handle": 0.05, "confirm": 0.01})
    idle: float = 0.02

    def __post_init__(self) -> None:
        self.clock = Clock(self.redis, self.traveller)
        self.clock.start()
        self.platforms = Platforms(accounts().gateways["gateway"].lease_seconds)
        self.handled: list[str] = []
        self.runs: Counter[str] = Counter()
        self._queues = cycle(("consume", "handle", "confirm"))
        self.stores.due.seed(dict.fromkeys(accounts().accounts, 0.0))

    def publish(self, account: str, count: int = 1) -> list[str]:
        """New messages for an account; their ids."""
        messages = [{"topic": TOPIC, "content": {}}] * count
        made = {"platform": "taobao", "group": account, "messages": messages}
        return self.platforms.state.publish(Publication.model_validate(made))

    def calls(self, api: str) -> int:
        """How many calls of this API there were."""
        return int(self.platforms.state.book.totals().get("taobao", {}).get(api, {"calls": 0})["calls"])

    def entries(self, account: str) -> list[Entry]:
        """Every message of an account with its history."""
        state = self.platforms.state
        return list(state.queue(state.named("taobao", None), account).entries.values())

    def note(self, message: Message) -> None:
        """The user's handler: all that it does."""
        self.handled.append(message.id)

    def work(self, seconds: float) -> None:
        """Let the worker work for so long."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            for name in self.stores.due.claim(1000, sending.claim_seconds()).names:
                sending.consume(name)
            queue, raw = self.take()
            if raw:
                self.runs[queue] += 1
                run = Run([raw], None)
                run.go()
                assert run.place == "ended", f"{run.name} waits for something"
            self.clock.forward(self.seconds[queue] if raw else self.idle)

    def take(self) -> tuple[str, str]:
        """The next task and its queue; "" when there is none."""
        for _ in range(3):
            queue = next(self._queues)
            if raw := self.redis.rpop(f"tidings:{queue}"):
                return queue, raw
        return "", ""
