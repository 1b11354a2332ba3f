"""How fast `handlers.webhook` posts: alone beside urllib3 and requests, and in a whole run from platform to confirm.

The receiver is a process of its own that answers at once, or after 50 ms. Exit code 1 when a whole run posts less than 600 a
second to the first, or less than 90 % of what its processes can to the second.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import Process
from urllib.request import urlopen

import click
import requests
import urllib3

from handlers import Message
from tasks.commands.processes.valkey import free_port
from tests.bench.throughput.meter import cpu_seconds, processes
from tests.bench.whole import installed, publish
from tests.end_to_end.installation import Installation

LEAST, SHARE = 600.0, 0.9
SLOW = 0.05
ALONE, QUICK_RUN, SLOW_RUN = 3_000, 8_000, 2_000
PROCESSES, THREADS = 4, 20
SECRET = "whsec_" + "QUJD" * 10
CONTENT = {"tid": 1588826713157361977, "payment": "1.00", "buyer_nick": "somebody"}


class Receiver(asyncio.Protocol):
    """Answers each post with 204 after `delay` seconds, and a GET with how many there were and their times."""

    delay = 0.0
    posts: list[float]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.waiting = transport, b""

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while (end := self.waiting.find(b"\r\n\r\n")) >= 0:
            head = self.waiting[:end].lower()
            length = int((head.partition(b"content-length: ")[2].split(b"\r\n")[0]) or 0)
            if len(self.waiting) < end + 4 + length:
                return
            self.waiting = self.waiting[end + 4 + length :]
            self.answer(head.startswith(b"get"))

    def answer(self, asked: bool) -> None:
        """Answer one request."""
        if asked:
            told = f"{len(self.posts)} {self.posts[0]} {self.posts[-1]}" if self.posts else "0 0 0"
            self.transport.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(told)}\r\n\r\n{told}".encode())
            return
        self.posts.append(time.time())
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self.transport.write, b"HTTP/1.1 204 X\r\n\r\n")
        else:
            self.transport.write(b"HTTP/1.1 204 X\r\n\r\n")


async def serve(port: int, delay: float) -> None:
    """Be the receiver."""
    Receiver.delay, Receiver.posts = delay, []
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", port, backlog=1000)
    await server.serve_forever()


@contextmanager
def receiving(delay: float) -> Iterator[int]:
    """A receiver in a process of its own; its port."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.webhook_posts", str(port), str(delay)]
    with subprocess.Popen(command) as process:
        for _ in range(200):
            try:
                seen(port)
                break
            except OSError:
                time.sleep(0.05)
        yield port
        process.kill()


def seen(port: int) -> tuple[int, float]:
    """How many posts a receiver has, and within how many seconds."""
    with urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
        number, first, last = answer.read().split()
    return int(number), float(last) - float(first)


def environment(port: int) -> dict[str, str]:
    """What `handlers.webhook` needs."""
    told = {"URL": f"http://127.0.0.1:{port}/hook", "SECRET": SECRET, "ALLOW": "127.0.0.1"}
    return {f"TIDINGS_WEBHOOK_{name}": value for name, value in told.items()}


def alone(about: str, post: Callable[[], object]) -> None:
    """Print how fast a bare loop posts, and at what cost."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(ALONE):
        post()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    click.echo(f"{about}: {ALONE / wall:.0f} posts a second, {cpu / ALONE * 1e6:.0f} µs of CPU each")


def bare() -> None:
    """The handler, urllib3 and requests, each in a loop, one after the other."""
    with receiving(0) as port:
        os.environ |= environment(port)
        from handlers import event, webhook

        message = Message("1", "taobao_trade_TradeBuyerPay", "shop", "taobao", '{"tid": 1}', identity="app-1")
        url, body = f"http://127.0.0.1:{port}/hook", event.body(message)
        pool, session = urllib3.PoolManager(), requests.Session()
        alone("handlers.webhook, a bare loop", lambda: webhook.post(message))
        alone("urllib3, unsigned", lambda: pool.request("POST", url, body=body))
        alone("requests, unsigned", lambda: session.post(url, data=body, timeout=5))


def together() -> float:
    """What this machine can: posts a second of bare loops of urllib3, one a process, to a receiver that takes its time."""
    with receiving(SLOW) as port:
        crew = [Process(target=loop, args=(f"http://127.0.0.1:{port}/hook",)) for _ in range(PROCESSES)]
        for each in crew:
            each.start()
        for each in crew:
            each.join()
        number, seconds = seen(port)
    return number / seconds


def loop(url: str) -> None:
    """Post one after the other."""
    pool = urllib3.PoolManager()
    for _ in range(SLOW_RUN // PROCESSES // 4):
        pool.request("POST", url, body=b'{"tid": 1}')


def whole(messages: int, delay: float, *pool: str) -> float:
    """Posts a second in a whole run with so many messages; `pool` are a worker's arguments."""
    env = {"TIDINGS_HANDLERS": "handlers.webhook", "TIDINGS_WORKER_CONCURRENCY": str(PROCESSES)}
    with receiving(delay) as port, installed({**env, **environment(port)}) as installation:
        return run(installation, port, messages, pool)


def run(installation: Installation, port: int, messages: int, pool: Sequence[str]) -> float:
    """Publish, and wait until the receiver has all."""
    publish(installation, [{"topic": "taobao_trade_TradeBuyerPay", "content": CONTENT}] * messages)
    worker = installation.worker("worker", "-l", "WARNING", *pool)
    installation.beat()
    installation.until(lambda: seen(port)[0], 60, "the first posts")
    early, before = seen(port)[0], cpu_seconds(processes([worker.pid]))
    installation.until(lambda: seen(port)[0] >= messages, 180, "all are posted")
    each = (cpu_seconds(processes([worker.pid])) - before) / (messages - early)
    click.echo(f"  the worker took {each * 1e6:.0f} µs of CPU for each message, from its pull to its confirm")
    number, seconds = seen(port)
    return number / seconds


def main() -> int:
    """Print all; the exit code."""
    bare()
    quick = whole(QUICK_RUN, 0)
    click.echo(f"a whole run, answered at once: {quick:.0f} posts a second ({LEAST:.0f} are asked for)")
    slow, possible = whole(SLOW_RUN, SLOW), PROCESSES / SLOW
    click.echo(
        f"a whole run, answered after {SLOW * 1000:.0f} ms: {slow:.1f} of {possible:.0f} that {PROCESSES} processes can"
    )
    click.echo(f"bare loops of urllib3 in as many processes: {together():.1f}")
    threads = whole(SLOW_RUN, SLOW, "-P", "threads", "-c", str(THREADS))
    click.echo(f"the same with {THREADS} threads in one process: {threads:.1f} of {THREADS / SLOW:.0f}")
    return int(quick < LEAST or slow < SHARE * possible)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
    sys.exit(main())
