"""A Taobao that costs next to nothing: every pull is answered after the same time, and written down.

`python -m tests.bench.polls.platform PORT LATENCY BOOK [BUSY [RATE]]`: LATENCY in seconds; every BUSYth account has messages at
some of its polls, all others never; with RATE each account gets as many a second, at random moments. It takes any signature:
what a call costs its sender is what is measured.
"""

import asyncio
import json
import sys
import time
from email.utils import formatdate
from itertools import count
from pathlib import Path
from random import Random
from typing import BinaryIO

from tests.bench.polls.book import Call

FLUSH_SECONDS = 0.1
BATCH = 10
"""Messages that a busy account's pull brings."""
ONE_IN = 3
"""Of so many pulls of a busy account one brings messages."""
TOPIC = "taobao_trade_TradeBuyerPay"

EMPTY = {"tmc_messages_consume_response": {"messages": {}, "request_id": "bench"}}
CONFIRMED = {"tmc_messages_confirm_response": {"is_success": True, "request_id": "bench"}}


class Shop:
    """Who has messages, and the book."""

    def __init__(self, book: BinaryIO, busy: int) -> None:
        self._book = book
        self._busy = busy
        self._ids = count(1)
        self._pulled = 0
        self._empty, self._confirmed = json.dumps(EMPTY).encode(), json.dumps(CONFIRMED).encode()

    def answer(self, form: bytes) -> bytes:
        """The reply's body."""
        account = int(value(form, b"group_name=g"))
        if b"messages.confirm" in form:
            self._note(account, 0, form.count(b"%2C") + 1)
            return self._confirmed
        quantity = int(value(form, b"quantity="))
        messages = self._rows(min(quantity, self._waiting(account)))
        self._note(account, quantity, len(messages))
        if not messages:
            return self._empty
        return json.dumps({"tmc_messages_consume_response": {"messages": {"tmc_message": messages}}}).encode()

    def _note(self, account: int, quantity: int, messages: int) -> None:
        self._book.write(Call(time.time(), account, quantity, messages).written())

    def _waiting(self, account: int) -> int:
        """How many messages wait for that account's pull."""
        if not self._busy or account % self._busy:
            return 0
        self._pulled += 1
        return BATCH if self._pulled % ONE_IN == 1 else 0

    def _rows(self, many: int) -> list[dict[str, object]]:
        content = json.dumps({"tid": 1, "oid": 2, "payment": "9.90", "buyer_nick": "someone"})
        row = {
            "topic": TOPIC,
            "content": content,
            "pub_time": "2026-01-01 00:00:00",
            "user_id": 1,
            "user_nick": "a shop",
        }
        return [row | {"id": next(self._ids)} for _ in range(many)]


class Arrivals(Shop):
    """Every account gets messages at random moments: a Poisson process. What a pull does not take is gone."""

    def __init__(self, book: BinaryIO, rate: float) -> None:
        super().__init__(book, busy=1)
        self._rate = rate
        self._random = Random(1)
        self._next: dict[int, float] = {}

    def _waiting(self, account: int) -> int:
        now, waiting = time.time(), 0
        at = self._next.get(account) or now + self._random.expovariate(self._rate)
        while at <= now:
            waiting += 1
            at += self._random.expovariate(self._rate)
        self._next[account] = at
        return waiting


def value(form: bytes, name: bytes) -> bytes:
    """What stands behind this name; `0` for a form without it."""
    _, found, rest = form.partition(name)
    return rest.partition(b"&")[0] if found else b"0"


class Connection(asyncio.Protocol):
    """One kept-alive connection: a request, its answer after the latency, the next request."""

    def __init__(self, shop: Shop, latency: float) -> None:
        self._shop = shop
        self._latency = latency
        self._loop = asyncio.get_running_loop()
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, whole, form = self._got.partition(b"\r\n\r\n")
        if whole and len(form) >= length(head):
            self._got = b""
            self._loop.call_later(self._latency, self._transport.write, reply(self._shop.answer(form)))


def length(head: bytes) -> int:
    """The request's Content-Length."""
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0] or 0)


def reply(body: bytes) -> bytes:
    """The whole HTTP reply."""
    head = f"HTTP/1.1 200 OK\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def serve(port: int, latency: float, book: BinaryIO, shop: Shop) -> None:
    """Serve until the process ends."""
    await asyncio.get_running_loop().create_server(lambda: Connection(shop, latency), "127.0.0.1", port, backlog=1024)
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        book.flush()


def main() -> None:
    port, latency, path, *load = sys.argv[1:]
    busy, rate = (*map(float, load), 0.0, 0.0)[:2]
    with Path(path).open("ab") as book:
        shop = Arrivals(book, rate) if rate else Shop(book, int(busy))
        asyncio.run(serve(int(port), float(latency), book, shop))


if __name__ == "__main__":
    main()
