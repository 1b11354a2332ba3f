"""Runs the planted shop: everything that Tidings is, against a sandbox that answers badly."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from redis import Redis

from tasks.commands.processes import children
from tasks.sandbox.control import Control
from tests.end_to_end.collector import collecting
from tests.end_to_end.installation import Installation
from tests.end_to_end.planted.shop import ACCOUNTS, HANDLERS, SECRETS, messages
from tests.integration.addresses.servers import servers
from tests.integration.handlers.receiver import receiving
from tests.ports import free_port

CELERY = len(children.celery())

FAULTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("error", {"code": "isp.remote-service-error", "api": "consume"}),
    ("http", {"api": "consume"}),
    ("cut", {"api": "consume"}),
    ("cut_after", {"api": "confirm"}),
    ("garbage", {"form": "bytes", "api": "consume"}),
    ("garbage", {"form": "truncated", "api": "consume"}),
    ("wrong_types", {}),
    ("undecodable", {}),
    ("http", {"api": "confirm", "count": 2}),
    ("error", {"code": "isv.invalid-parameter", "api": "confirm"}),
)
COMMANDS = (
    ("report",),
    ("status",),
    ("check",),
    ("accounts", "list"),
    ("inspect", "conf"),
    ("inspect", "stats"),
)
PAGES = ("/", "/accounts", "/account?name=tb-shop", "/gateways", "/topics", "/letters", "/audit", "/metrics", "/readyz")


@dataclass
class Written:
    """All that a run has written, by where it stands. `told` is what people ask for: it may show what letters say."""

    logs: dict[str, bytes] = field(default_factory=dict)
    redis: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, bytes] = field(default_factory=dict)
    told: dict[str, bytes] = field(default_factory=dict)
    traces: bytes = b""


def run(folder: Path, control: Control, ways: tuple[str, ...], each: int, log: str, level: str) -> Written:
    """Run until every message has ended or has failed often enough, and gather what was written."""
    written = Written()
    with servers(folder) as redis, receiving() as receiver, collecting() as collector:
        receiver.decide(lambda: "500")
        shop = Installation(folder / "home", redis.addresses["unix"], control)
        shop.home.mkdir()
        shop.configure(ACCOUNTS, HANDLERS)
        control.app(
            "taobao", app_key="12345678", secret=SECRETS["taobao's app secret"], sessions=[SECRETS["a shop's session"]]
        )
        control.app("qianmi", app_key="10000001", secret=SECRETS["qianmi's app secret"])
        control.app("vvtool", token=SECRETS["vv-tool's token"])
        control.switches(lease_seconds={"taobao": 8, "qianmi": 8})
        shop.env |= environment(log, receiver.port, collector.address, redis.root)
        publish(control, ways, each)
        try:
            work(shop, written, ways, each, level)
        finally:
            end(shop)
        with Redis.from_url(redis.root) as store:
            written.redis |= dict(dump(store))
        written.traces = collector.everything
        written.logs = {path.name: path.read_bytes() for path in shop.home.glob("*.log")}
    return written


def environment(log: str, hook: int, collector: str, redis: str) -> dict[str, str]:
    """What the processes are told: secrets where users have them, and everything that ships switched on."""
    login = quote(SECRETS["the webhook's login"], safe=":")
    return {
        "TIDINGS_LOG": log,
        "TB_SECRET": SECRETS["taobao's app secret"],
        "QM_SECRET": SECRETS["qianmi's app secret"],
        "VV_TOKEN": SECRETS["vv-tool's token"],
        "SHOP_SESSION": SECRETS["a shop's session"],
        "TIDINGS_HANDLERS": "handlers.tracing,handlers.timing,handlers.webhook,handlers.stream,shop_handlers",
        "TIDINGS_MAX_DELIVERIES": "2",
        "TIDINGS_MAX_DEAD_RATIO": "1",
        "TIDINGS_HANDLER_SECONDS": "2",
        "TIDINGS_WEBHOOK_URL": f"http://{login}@127.0.0.1:{hook}/orders",
        "TIDINGS_WEBHOOK_SECRET": "whsec_" + SECRETS["the webhook's secret"],
        "TIDINGS_WEBHOOK_TOPICS": "hooked_*",
        "TIDINGS_WEBHOOK_ALLOW": "127.0.0.1",
        "TIDINGS_STREAM_URL": redis,
        "TIDINGS_STREAM_KEY": "planted-stream",
        "TIDINGS_STREAM_TOPICS": "streamed_*",
        "TIDINGS_WEB_PASSWORD": SECRETS["the page's password"],
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector}",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "FLOWER_UNAUTHENTICATED_API": "true",
    }


def publish(control: Control, ways: tuple[str, ...], each: int) -> None:
    """The messages, and what is to go wrong with their calls."""
    some = messages(ways, each)
    vv_tool = app_of(control)
    control.publish("taobao", some)
    control.publish("qianmi", some, group="A854800")
    control.publish("vvtool", some, shop_id="123", app=vv_tool)
    for platform in ("taobao", "qianmi", "vvtool"):
        for kind, params in FAULTS:
            if platform != "vvtool" or params.get("api") != "confirm":
                control.fault(platform, kind, **{"count": 1, **params})


def app_of(control: Control) -> str:
    """The name of vv-tool's planted app."""
    return control.app("vvtool", token=SECRETS["vv-tool's token"])


def work(shop: Installation, written: Written, ways: tuple[str, ...], each: int, level: str) -> None:
    """Start everything, wait for the letters, and look at everything meanwhile."""
    flower, web = free_port(), free_port()
    shop.start("flower", *children.flower(flower)[CELERY:])
    shop.start("web", "web", "--port", str(web))
    shop.start("worker", "worker", "-n", "worker@%h", "-l", level, "-E", "--without-gossip", "--without-mingle")
    shop.start("beat", "beat", "-l", level, "--pidfile", "")
    wanted = 2 * each
    shop.until(lambda: letters(shop) >= wanted, 60, "letters")
    shop.until(lambda: b"batch_confirmed" in shop.log("worker").read_bytes(), 30, "a batch is confirmed")
    written.pages |= flowers(shop, f"http://127.0.0.1:{flower}") | ours(shop, f"http://127.0.0.1:{web}")
    with ThreadPoolExecutor(4) as at_once:
        told = at_once.map(lambda command: said(shop, *command), COMMANDS)
    written.told |= {" ".join(command): each for command, each in zip(COMMANDS, told, strict=True)}


def letters(shop: Installation) -> int:
    """How many there are by now."""
    return shop.log("worker").read_bytes().count(b"letter_buried")


def end(shop: Installation) -> None:
    """As users end it: what is told at the end belongs to it."""
    for process in shop.processes.values():
        process.send_signal(signal.SIGTERM)
    for process in shop.processes.values():
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            continue
    shop.stop()


def flowers(shop: Installation, url: str) -> dict[str, bytes]:
    """Flower's pages and answers."""
    shop.until(lambda: answers(f"{url}/api/workers"), 30, "Flower answers")
    tasks = json.loads(get(f"{url}/api/tasks?limit=10"))
    paths = ["/api/tasks", "/api/workers?refresh=1", "/tasks", "/workers", "/broker", "/metrics"]
    paths += [f"/task/{id_}" for id_ in tasks]
    return {f"flower {path}": get(url + path) for path in paths}


def ours(shop: Installation, url: str) -> dict[str, bytes]:
    """The operators' page, to who has logged in, and what machines read."""
    shop.until(lambda: answers(f"{url}/metrics"), 30, "web answers")
    with requests.Session() as session:
        form = session.get(f"{url}/login", timeout=10).text
        [token] = re.findall('name="token" value="([^"]+)"', form)
        data = {"token": token, "next": "/", "name": "me", "password": SECRETS["the page's password"]}
        session.post(f"{url}/login", data=data, headers={"origin": url}, timeout=10).raise_for_status()
        found = {f"web {path}": session.get(url + path, timeout=20) for path in PAGES}
    assert "/logout" in found["web /"].text, "nobody is logged in"
    return {name: reply.content + str(reply.headers).encode() for name, reply in found.items()}


def get(url: str) -> bytes:
    return requests.get(url, timeout=20).content


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def said(shop: Installation, *command: str) -> bytes:
    """What a command prints."""
    words = [sys.executable, "-m", "celery", "-A", "tasks", *command]
    done = subprocess.run(words, cwd=shop.home, env=shop.environment(), capture_output=True, timeout=60, check=False)
    return done.stdout + done.stderr


def dump(store: "Redis") -> Iterator[tuple[str, bytes]]:
    """Every key and all that it holds."""
    read: dict[Any, Callable[[Any], Any]] = {
        b"string": store.get,
        b"hash": store.hgetall,
        b"list": lambda key: store.lrange(key, 0, -1),
        b"set": store.smembers,
        b"zset": lambda key: store.zrange(key, 0, -1, withscores=True),
        b"stream": store.xrange,
    }
    found: Iterable[Any] = store.scan_iter()
    for key in found:
        yield key.decode(errors="backslashreplace"), key + b"\n" + b"\n".join(flat(read[store.type(key)](key)))


def flat(value: object) -> Iterator[bytes]:
    """The bytes of a value, whatever it is made of."""
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            yield from flat(pair)
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from flat(each)
