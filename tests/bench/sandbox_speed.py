"""How many pulls of 100 messages a second the sandbox answers on one core, by platform; run it as a script.

The server is pinned to one core and driven from another over raw keep-alive connections, so that what is measured is
the sandbox: HTTP, signature, lease, reply. Publishing, confirming and the ledger of 100,000 messages are timed as well.
"""

import argparse
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from tasks.clock import timestamp
from tasks.sandbox.control import Control
from tasks.sandbox.platforms.signatures import qianmi_sign, top_sign
from tasks.sandbox.process import running

PULL = 100
CONNECTIONS = 4
PIECE = 10_000
"""Messages of one publication."""
EVENT = {
    "buyer_nick": "测试买家",
    "buyer_open_uid": "AAE0000000000000000",
    "payment": "48.00",
    "oid": 1588821237361977,
    "seller_nick": "测试旗舰店",
    "type": "guarantee_trade",
    "tid": 1588826713157361977,
    "status": "WAIT_SELLER_SEND_GOODS",
}
TOPIC = b"taobao_trade_TradeBuyerPay"
MESSAGE = {"topic": TOPIC.decode(), "content": EVENT}


def taobao_call(method: str, **more: str) -> bytes:
    params = {"method": method, "app_key": "12345678", "v": "2.0", "format": "json", "sign_method": "hmac-sha256"}
    params |= {"timestamp": timestamp(time.time()), **more}
    return _post("/router/rest", {**params, "sign": str(top_sign("helloworld", params))})


def qianmi_call(method: str, **more: str) -> bytes:
    params = {"method": method, "appKey": "10000001", "v": "1.1", "format": "json", "timestamp": timestamp(time.time())}
    params |= more
    return _post("/api", {**params, "sign": qianmi_sign("helloworld", params)})


def vvtool_call() -> bytes:
    return _post("/tool/erps/tbconsume", {"shop_id": "123", "quantity": str(PULL)}, "Authorization: Bearer fast\r\n")


def _post(path: str, params: dict[str, str], headers: str = "") -> bytes:
    body = urlencode(params)
    head = f"POST {path} HTTP/1.1\r\nHost: sandbox\r\nContent-Type: application/x-www-form-urlencoded\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


@dataclass(frozen=True)
class Plan:
    """What is measured of one platform."""

    platform: str
    pull: Callable[[], bytes]
    confirm: Callable[[str], bytes] | None
    place: dict[str, str] = field(default_factory=dict)


class Connection:
    """One keep-alive connection; `ask` sends, `hear` returns the body."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname or "", address.port or 80), timeout=60)
        self._file = self.socket.makefile("rb", buffering=1 << 17)

    def ask(self, request: bytes) -> None:
        self.socket.sendall(request)

    def hear(self) -> bytes:
        length = 0
        while (line := self._file.readline()) not in {b"\r\n", b""}:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return bytes(self._file.read(length))


def pulls_a_second(control: Control, request: bytes, pulls: int) -> float:
    """Ask on all connections at once until `pulls` replies have come, each of which has to hold `PULL` messages."""
    connections = {c.socket.fileno(): c for c in (Connection(control.url) for _ in range(CONNECTIONS))}
    asked, heard, bodies = 0, 0, list[bytes]()
    started = time.perf_counter()
    for connection in connections.values():
        connection.ask(request)
        asked += 1
    while heard < asked:
        for number in select.select(list(connections), [], [])[0]:
            bodies.append(connections[number].hear())
            heard += 1
            if asked < pulls:
                connections[number].ask(request)
                asked += 1
    seconds = time.perf_counter() - started
    short = sum(body.count(TOPIC) != PULL for body in bodies)
    if short:
        raise SystemExit(f"{short} of {pulls} replies did not hold {PULL} messages; the first: {bodies[0][:300]!r}")
    return pulls / seconds


def publish(control: Control, platform: str, number: int, place: dict[str, str]) -> tuple[list[str], float]:
    ids: list[str] = []
    started = time.perf_counter()
    for _ in range(0, number, PIECE):
        ids += control.publish(platform, [MESSAGE] * PIECE, **place)
    return ids, len(ids) / (time.perf_counter() - started)


def confirms_a_second(control: Control, ids: list[str], call: Callable[[str], bytes]) -> float:
    connection = Connection(control.url)
    requests = [call(",".join(ids[start : start + PULL])) for start in range(0, len(ids), PULL)]
    started = time.perf_counter()
    for request in requests:
        connection.ask(request)
        connection.hear()
    return len(requests) / (time.perf_counter() - started)


@contextmanager
def pinned() -> Iterator[Control]:
    """The sandbox on the first core that this process may use, this process on the others."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    try:
        with running() as control:
            os.sched_setaffinity(0, cores[1:] or cores)
            yield control
    finally:
        os.sched_setaffinity(0, cores)


def measure(control: Control, plan: Plan, pulls: int) -> None:
    """Publish, pull and, where the platform has it, confirm; prints the three rates."""
    ids, published = publish(control, plan.platform, pulls * PULL, plan.place)
    say(f"{plan.platform}: messages published a second", published)
    rate = pulls_a_second(control, plan.pull(), pulls)
    say(f"{plan.platform}: pulls of {PULL} a second", rate)
    if plan.confirm is not None:
        say(
            f"{plan.platform}: confirms of {PULL} a second, one at a time",
            confirms_a_second(control, ids, plan.confirm),
        )


def say(what: str, number: float) -> None:
    print(f"{what:<58}{number:10,.2f}")  # noqa: T201  (a script's result)


def seconds_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


PLANS = (
    Plan(
        "taobao",
        lambda: taobao_call("taobao.tmc.messages.consume", quantity=str(PULL)),
        lambda ids: taobao_call("taobao.tmc.messages.confirm", s_message_ids=ids),
    ),
    Plan(
        "qianmi",
        lambda: qianmi_call("qianmi.qmcs.messages.consume", quantity=str(PULL)),
        lambda ids: qianmi_call("qianmi.qmcs.messages.confirm", s_message_ids=ids),
    ),
    Plan("vvtool", vvtool_call, None, {"shop_id": "123", "app": "fast"}),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pulls", type=int, default=1_000, help="pulls of each platform")
    pulls = parser.parse_args().pulls
    with pinned() as control:
        control.app("vvtool", token="fast")
        for plan in PLANS:
            measure(control, plan, pulls)
        say(f"ledger of {len(PLANS) * pulls * PULL:,} messages, read and parsed (seconds)", seconds_of(control.ledger))
        say("summary (seconds)", seconds_of(control.summary))


if __name__ == "__main__":
    main()
