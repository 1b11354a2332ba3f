"""What `handlers.database` does with events that come in any order, twice, and to processes that are killed; and how fast it is.

    python -m tests.bench.database [--trades 2000] [--kills 20] [sqlite] [postgresql] [mariadb]

Orders live through ten events each. All events are shuffled, come twice, and go in bundles to processes that are killed in
mid-work and begin again with what they had not told to be done. Then every order must be as its last events in truth have it.
Servers are durable, as users have them: what is committed is on disk.
"""

import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import click
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError, ProgrammingError

from handlers import Message
from handlers.storing import tables
from handlers.storing.engine import address, connect
from handlers.storing.events import change
from handlers.storing.store import Database
from tests.bench.whole import installed, publish
from tests.databases import SERVERS, missing, new_database, server

LIFE = (
    ("TradeCreate", "WAIT_BUYER_PAY"),
    ("TradeAlipayCreate", "WAIT_BUYER_PAY"),
    ("TradeModifyFee", "WAIT_BUYER_PAY"),
    ("TradeBuyerPay", "WAIT_SELLER_SEND_GOODS"),
    ("TradeMemoModified", "WAIT_SELLER_SEND_GOODS"),
    ("TradePartlySellerShip", "SELLER_CONSIGNED_PART"),
    ("TradeSellerShip", "WAIT_BUYER_CONFIRM_GOODS"),
    ("TradeDelayConfirmPay", "WAIT_BUYER_CONFIRM_GOODS"),
    ("TradeSuccess", "TRADE_FINISHED"),
    ("TradeRated", "TRADE_FINISHED"),
)
WITHOUT_STATUS = "TradeBuyerPay"
BUNDLE = 20
PROCESSES = 2
LOOK_SECONDS = 0.2
"""From one count of the rows to the next, which costs the database something too."""
FIRST_TID = 2_900_000_000_000_000_001
FIRST_ID = 7_104_300_007_405_000_000
BEGINNING = datetime(2026, 11, 11, tzinfo=UTC)

State = dict[str, Any]
"""An order's columns."""

Chunks = Sequence[Sequence[Message]]


def lives(trades: int, each: int, dice: random.Random) -> tuple[list[Message], dict[int, State]]:
    """The events of so many orders, in the order in which they happen, and what is true of each order at the end."""
    messages: list[Message] = []
    states: dict[int, State] = {}
    for number in range(trades):
        tid, at = FIRST_TID + number, BEGINNING + timedelta(seconds=dice.randrange(86_400))
        for topic, status in LIFE[:each]:
            at += timedelta(seconds=dice.choice((0, 0, 1, 30)))  # several things happen within a second
            members = told(topic, status, dice)
            messages.append(message(len(messages), topic, {"tid": tid, **members}, at))
            state = states.setdefault(tid, {})
            state |= {name: Decimal(value) if name == "payment" else value for name, value in members.items()}
            state |= {"topic": f"taobao_trade_{topic}", "changed": at, "status": status}
    return messages, states


def told(topic: str, status: str, dice: random.Random) -> dict[str, Any]:
    """What an event tells besides its order: some of it, as platforms leave out what they like."""
    may: dict[str, Any] = {
        "payment": f"{dice.randrange(100, 99_999) / 100:.2f}",
        "buyer_nick": f"buyer {dice.random()}",
    }
    may |= {"type": dice.choice(("fixed", "step"))}
    if topic == "TradeMemoModified":
        may |= {"seller_memo": f"memo {dice.random()}"}
    members = {name: value for name, value in may.items() if dice.random() < 0.6}
    return members if topic == WITHOUT_STATUS else {**members, "status": status}


def message(number: int, topic: str, content: dict[str, Any], at: datetime) -> Message:
    """An event as a handler gets it."""
    id_ = str(FIRST_ID + number)
    text = json.dumps(content, ensure_ascii=False)
    return Message(id_, f"taobao_trade_{topic}", "shop", "taobao", text, at, "11", "seller", 1, f"0123456789-{id_}")


def bundles(messages: Sequence[Message], size: int) -> list[Sequence[Message]]:
    """The messages by so many."""
    return [messages[at : at + size] for at in range(0, len(messages), size)]


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run: deliveries, seconds, kills, and what is wrong in the database afterwards."""

    deliveries: int
    seconds: float
    kills: int
    faults: list[str]


def shuffled_doubled_and_killed(url: str, trades: int, each: int, kills: int, seed: int) -> Run:
    """Hand all events out twice, in any order, to processes of which so many are killed; then look."""
    dice = random.Random(seed)
    messages, states = lives(trades, each, dice)
    change(messages[0])  # whoever is forked has the models then
    twice = messages * 2
    dice.shuffle(twice)
    began = time.monotonic()
    killed = hand_out(url, bundles(twice, BUNDLE), kills, dice)
    return Run(len(twice), time.monotonic() - began, killed, faults(url, messages, states))


def hand_out(url: str, chunks: Chunks, kills: int, dice: random.Random) -> int:
    """Have processes take every chunk, and kill one of them so often; how many were killed before they were through."""
    context = multiprocessing.get_context("fork")
    left = [list(range(start, len(chunks), PROCESSES)) for start in range(PROCESSES)]
    working: dict[Pipe, tuple[int, Any]] = {}

    def begin(lane: int) -> None:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=take, args=(url, chunks, list(left[lane]), theirs), daemon=True)
        process.start()
        theirs.close()
        working[ours] = lane, process

    for lane in range(PROCESSES):
        begin(lane)
    killed, every = 0, max(1, len(chunks) // (kills + 1))
    done = 0
    while working:
        for pipe in wait(list(working)):
            assert isinstance(pipe, Pipe)
            lane, process = working[pipe]
            try:
                left[lane].remove(pipe.recv())
                done += 1
            except EOFError:
                del working[pipe]
                process.join()
                if left[lane]:
                    begin(lane)
                continue
            if killed < kills and done >= every * (killed + 1) and left[lane]:
                time.sleep(dice.random() * 0.01)
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
    return killed


def take(url: str, chunks: Chunks, wanted: Sequence[int], pipe: Pipe) -> None:
    """In a process of its own: what a pool process does with bundles; each is told when all of its messages are handled."""
    database = Database(connect(address(url)))
    for number in wanted:
        database.store_ahead(chunks[number])
        for each in chunks[number]:
            database.take(each)
        pipe.send(number)
    database.close()


def faults(url: str, messages: Sequence[Message], states: dict[int, State]) -> list[str]:
    """What is not as it should be: messages that are missing or stand twice, orders that are not what their last events say."""
    engine = connect(address(url))
    with engine.connect() as connection:
        count = connection.execute(select(func.count()).select_from(tables.message)).scalar_one()
        ids = set(connection.execute(select(tables.message.c.id)).scalars())
        rows = {row["tid"]: row for row in connection.execute(select(tables.trade)).mappings()}
    engine.dispose()
    wrong = [] if count == len(messages) and ids == {each.id for each in messages} else [f"{count} messages"]
    wrong += [] if rows.keys() == states.keys() else [f"{len(rows)} orders"]
    for tid, state in states.items():
        found = {name: rows[tid][name] for name in state} if tid in rows else {}
        if found != state:
            wrong.append(f"{tid}: {found}, not {state}")
    return wrong


def speed(url: str, messages: Sequence[Message], size: int) -> float:
    """Messages a second of one process that is given so many at a time, each new."""
    database = Database(connect(address(url)))
    database.store(messages[:1])
    began = time.monotonic()
    for chunk in bundles(messages[1:], size):
        if len(chunk) > 1:
            database.store_ahead(chunk)
        for each in chunk:
            database.take(each)
    took = time.monotonic() - began
    database.close()
    return (len(messages) - 1) / took


def through_worker(url: str, messages: Sequence[Message]) -> float:
    """Rows a second of a whole run, from the platform's simulated queue into the database and to the confirm."""
    env = {"TIDINGS_HANDLERS": "handlers.database", "TIDINGS_DATABASE_URL": url}
    env |= {"TIDINGS_WORKER_CONCURRENCY": str(PROCESSES)}
    with installed(env) as installation:
        publish(installation, [{"topic": each.topic, "content": json.loads(each.content)} for each in messages])
        installation.worker("worker", "-l", "WARNING")
        installation.beat()
        installation.until(lambda: rows(url), 60, "the first rows")
        early, began = rows(url), time.monotonic()
        installation.until(lambda: rows(url) >= len(messages), 300, "all are stored")
        return (len(messages) - early) / (time.monotonic() - began)


def rows(url: str) -> int:
    """How many messages are stored a moment later; none while there is no table."""
    time.sleep(LOOK_SECONDS)
    engine = connect(address(url))
    try:
        with engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(tables.message)).scalar_one())
    except (OperationalError, ProgrammingError):
        return 0
    finally:
        engine.dispose()


@contextmanager
def databases(kind: str, *, durable: bool) -> Iterator[Iterator[str]]:
    """Addresses of as many empty databases of a kind as one likes."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield (f"sqlite:///{Path(folder) / f'{number}.db'}" for number in range(1000))
        return
    with server(kind, durable=durable) as found:
        yield (new_database(found, f"bench{number}") for number in range(1000))


@click.command()
@click.argument("kinds", nargs=-1, type=click.Choice(["sqlite", *SERVERS]))
@click.option("--trades", default=2000, help="Orders, each with ten events.")
@click.option("--kills", default=20, help="So many processes are killed.")
@click.option("--seed", default=7)
def main(kinds: Sequence[str], trades: int, kills: int, seed: int) -> None:
    """Exit code 0 if every order is as the last of its events has it."""
    wrong = False
    for kind in kinds or ("sqlite", *SERVERS):
        if kind in SERVERS and (why := missing(kind)):
            click.echo(why)
            continue
        with databases(kind, durable=True) as urls:
            run = shuffled_doubled_and_killed(next(urls), trades, len(LIFE), kills, seed)
            some = lives(trades // 10, len(LIFE), random.Random(seed))[0]
            alone, together = (speed(next(urls), some, size) for size in (1, BUNDLE))
            whole = through_worker(next(urls), lives(trades // 2, len(LIFE), random.Random(seed))[0])
        click.echo(
            f"{kind}: {run.deliveries // 2} events of {trades} orders, each twice, {run.kills} processes killed: "
            f"{len(run.faults)} faults, {run.deliveries / run.seconds:.0f} messages a second over {PROCESSES} processes; "
            f"one process and new messages: {alone:.0f} one by one, {together:.0f} by {BUNDLE}; "
            f"a whole run with {PROCESSES} processes: {whole:.0f} rows a second"
        )
        for fault in run.faults[:3]:
            click.echo(f"  {fault}")
        wrong = wrong or bool(run.faults)
    sys.exit(wrong)


if __name__ == "__main__":
    main()
