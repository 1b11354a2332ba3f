"""Everything around one account that a property test moves, and what is known of each of its messages."""

import json
from collections import Counter
from typing import Any

import time_machine

from handlers import Message, Reject, Retry
from tasks import app, beat
from tasks.accounts import VvtoolAccount
from tasks.handling import burying, stragglers
from tasks.platforms import PlatformError
from tasks.platforms.clients import client_for
from tasks.runtime import Stores, accounts
from tests.integration.guarantees.clock import Clock
from tests.integration.guarantees.platform import Platform, Platforms
from tests.integration.guarantees.worker import Run, Stop, Worker, here, is_handle

LEASE = 20.0
ACCOUNTS = {
    "taobao": f"""
[gateways.gateway]
platform = "taobao"
app_key = "12345678"
app_secret = "env:SECRET"
lease_seconds = {LEASE}
[accounts.shop]
gateway = "gateway"
quantity = 10
poll = {{ min = 1, max = 8 }}
""",
    "vvtool": f"""
[gateways.gateway]
platform = "vvtool"
token = "env:TOKEN"
calls_per_second = 1000
lease_seconds = {LEASE}
[accounts.shop]
gateway = "gateway"
shop_id = "123"
quantity = 10
poll = {{ min = 1, max = 8 }}
""",
}
MOST_UNFINISHED = 2
"""So many tries of a message may begin and not end: it is buried before the next."""
BUNDLE = 3
"""Tasks that go to a pool process together."""
ROUNDS = 120
ROUND_SECONDS = 3.0


def bundle(ready: list[str]) -> list[str]:
    """What goes to a pool process next: the first task, and if it is to handle a message, others that are."""
    return [raw for raw in ready if is_handle(raw)][:BUNDLE] if is_handle(ready[0]) else ready[:1]


class World:
    """One account's surroundings. `wrong` holds what broke a guarantee inside of a run, where an assertion would be caught."""

    def __init__(
        self, redis: Any, stores: Stores, traveller: time_machine.Traveller, platform: Platform, **options: Any
    ) -> None:
        """`options` are those of its handler; with a key, all messages have the same."""
        self.redis, self.stores, self.options = redis, stores, options
        self.clock = Clock(redis, traveller)
        self.platforms = Platforms(LEASE)
        self.worker = Worker(redis, self.ended)
        self.platform = platform
        self.account = accounts().accounts["shop"]
        self.start()

    def start(self) -> None:
        """Nothing has happened yet."""
        self.worker.abandon()
        self.clock.start()
        self.flush()
        self.platforms.start()
        burying.well().clear()
        self.beat = beat.AccountScheduler(app=app, lazy=True)
        self.published: set[str] = set()
        self.returned: set[str] = set()
        self.buried: set[str] = set()
        self.over: set[str] = set()
        self.bad: set[str] = set()
        self.deadly: set[str] = set()
        self.torn: set[str] = set()
        """Whose first try fails and whose second one is lost."""
        self.tries: Counter[str] = Counter()
        self.unfinished: Counter[str] = Counter()
        """How many of all its tries, at the most, may have begun and not ended."""
        self.batches: dict[str, dict[str, str]] = {}
        self.wrong: list[str] = []

    def flush(self) -> None:
        """Redis loses everything, also what its broker held; scripts stay, as no process is new."""
        self.worker.ready()
        self.worker.waiting.clear()
        for name in self.redis.scan_iter("*"):
            if "_kombu.binding" not in name:
                self.redis.delete(name)
        self.clock.tell()
        self.over = set()
        self.died: Counter[str] = Counter()
        """How many of a message's tries, up to the last, were begun for certain and never ended."""
        for run in self.worker.runs:
            run.flushed = True

    def holds(self) -> bool:
        """Whether Redis or its broker holds anything that it could lose."""
        names = self.redis.scan_iter("tidings:*")
        return bool(self.worker.waiting) or any("_kombu.binding" not in name for name in names)

    def handler(self, content: dict[str, Any], message: Message) -> None:
        """The user's handler: does what the test says."""
        run = here()
        assert run is not None
        others = [other for other in self.worker.runs if other is not run and other.place == "handler"]
        if any(other.message == message.id and not other.flushed for other in others):
            self.wrong.append(f"{message.id} runs twice at once")
        if "key" in self.options and any(not other.flushed for other in others):
            self.wrong.append(f"{message.id} runs beside another of its key")
        if message.id in self.over:
            self.wrong.append(f"{message.id} is handled again")
        if self.died[message.id] >= MOST_UNFINISHED:
            self.wrong.append(f"{message.id} is tried again though {self.died[message.id]} tries killed their process")
        run.message = message.id
        self.tries[message.id] += 1
        said = run.stand("handler")
        self.died[message.id] = 0
        if said == "reject":
            run.rejected.add(message.id)
            raise Reject("no such shop")
        if said == "fail":
            raise ConnectionError("the stock database is away")
        if said.startswith("retry"):
            raise Retry(delay=float(said.removeprefix("retry")))
        run.returned.add(message.id)
        self.returned.add(message.id)

    def ended(self, run: Run) -> None:
        """What was acknowledged has left its mark, and so has what ran undisturbed; a full Redis takes none."""
        if run.broken:
            self.unfinished.update(task.message for task in run.tasks)
            if run.message and run.place_of_end == "handler" and not (run.full or run.flushed):
                self.died[run.message] += 1
        self.observe()
        if not (run.full or run.flushed):
            acked = {task.message for task in run.tasks if task.acked or not run.broken}
            self.over |= acked & (run.returned | self.buried & run.rejected)

    def observe(self) -> None:
        """Learn who is buried, and what the inbox holds."""
        for letter in self.stores.letters.all():
            self.buried.add(letter.item.id)
            if letter.kind == "killed" and self.begun(letter.item.id) < MOST_UNFINISHED:
                self.wrong.append(f"{letter.item.id} is buried as one that kills, which it did not do so often")
        if isinstance(self.account, VvtoolAccount):
            for name in self.redis.scan_iter("tidings:inbox:raw:*"):
                if name not in self.batches:
                    self.batches[name] = self.kept(self.redis.hget(name, "body").encode("latin-1"))

    def begun(self, id_: str) -> int:
        """How many tries of a message may have begun without an end, or have one yet to come."""
        return self.unfinished[id_] + sum(task.message == id_ for run in self.worker.runs for task in run.tasks)

    def kept(self, body: bytes) -> dict[str, str]:
        """Receipt and id of each message in a stored reply; a refusal, which a killed worker leaves behind, has none."""
        try:
            items = client_for(self.account.gateway).read(body).items
        except PlatformError:
            return {}
        return {item.receipt: item.id for item in items}

    def confirmed(self) -> set[str]:
        """Who is done with, as the platform or the inbox sees it."""
        if self.platform == "taobao":
            return self.platforms.confirmed()
        done: set[str] = set()
        for name, ids in self.batches.items():
            fields = self.redis.hgetall(name)
            done |= {id_ for receipt, id_ in ids.items() if not fields or f"settled:{receipt}" in fields}
        return done

    def superseded(self) -> set[str]:
        """Whom nobody needs to handle, as a newer one of the key was."""
        if "latest" not in self.options:
            return set()
        at = {entry.id: int(entry.published) for entry in self.platforms.entries(self.platform)}
        newest = max((at[id_] for id_ in self.returned), default=0)
        return {id_ for id_, then in at.items() if then < newest}

    def somewhere(self) -> set[str]:
        """Who is sent already, or can still be."""
        sent = {id_ for ids in self.batches.values() for id_ in ids.values()}
        return sent | self.platforms.waits(self.platform)

    def verdict(self, run: Run) -> str:
        """What its handler says when nothing is asked of it."""
        if run.message in self.torn:
            return {1: "fail", 2: "lost"}.get(self.tries[run.message], "return")
        return "lost" if run.message in self.deadly else "fail" if run.message in self.bad else "return"

    def run_all(self) -> None:
        """Run what can run, to its end, undisturbed."""
        while ready := self.worker.ready():
            run = self.worker.start(*bundle(ready))
            while run.place != "ended":
                self.worker.go(run, self.verdict(run))

    def run_striking(self, task: str, stop: Stop, verdict: str) -> bool:
        """Run what can run, each handler ending so, and strike the first task of this name; whether its step came."""
        struck: Run | None = None
        while ready := self.worker.ready():
            mine = struck is None and json.loads(ready[0])["headers"]["task"] == task
            run = self.worker.start(*bundle(ready), stop=stop if mine else None)
            struck = run if mine else struck
            while run.place != "ended":
                self.worker.go(run, verdict)
        return struck is not None and struck.broken

    def forward(self, seconds: float) -> None:
        """Let time pass; what outlives its time limit is killed on the way."""
        end = seconds
        while self.worker.runs:
            first = min(run.deadline for run in self.worker.runs) - self.clock.now()
            if first > end:
                break
            self.clock.forward(first)
            end -= max(0.0, first)
            self.worker.overdue()
        self.clock.forward(end)

    def settle(self) -> bool:
        """Let beat, worker and clock go on without faults until every message is done with; whether they all were."""
        self.platforms.mend()
        for run in list(self.worker.runs):
            while run.place != "ended":
                self.worker.go(run, self.verdict(run))
        for _ in range(ROUNDS):
            self.beat.poll_due()
            stragglers.look()
            self.run_all()
            self.observe()
            if self.published <= self.confirmed() and not self.worker.waiting and not self.open():
                return True
            self.clock.forward(ROUND_SECONDS)
        return False

    def open(self) -> int:
        """How many batches and stored replies are not done with."""
        return self.stores.batches.load(self.account.name).batches + self.stores.inbox.waiting(self.account.name)

    def left(self) -> set[str]:
        """The kinds of keys that stay for ever."""
        lasting = (name for name in self.redis.scan_iter("tidings:*") if self.redis.ttl(name) == -1)
        return {name.split(":")[1] for name in lasting if "_kombu.binding" not in name}
