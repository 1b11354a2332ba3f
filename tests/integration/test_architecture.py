"""The papers stay true: the table of Redis keys in ARCHITECTURE.md, the rooms, and every path that is named."""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from celery.signals import before_task_publish
from redis import Redis

from handlers import Reject
from tasks import app, clock, confirm, consume, count, runtime, settings
from tasks.beat import AccountScheduler
from tasks.calling import calls
from tasks.calling.errors import NotNow
from tasks.commands.accounts import accounts as accounts_command
from tasks.commands.web.sessions import IDLE_SECONDS, TRIES_SECONDS
from tasks.handling.contents import LEAST
from tasks.platforms.base import Item
from tasks.pulling import gateways, holding_back, keeping, planner
from tasks.runtime import Stores
from tasks.sandbox.control import Control
from tasks.store.letters import Letter
from tasks.store.web import LOGINS, Line, Session
from tests import ROOT
from tests.integration.commands.running import run

ARCHITECTURE = ROOT / "ARCHITECTURE.md"
PAPERS = (ARCHITECTURE, ROOT / "CONTRIBUTING.md", ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

LEASE = 120
UNITS = {"s": 1, "min": 60, "hour": 3600, "day": 24 * 3600, "lease": LEASE}
SLACK = 1.0
"""Seconds that an expiry may be rounded up by."""

UNSEEN = {
    "tidings:unacked_mutex": "stands for the moment in which killed workers' messages are restored",
    "tidings:OID.reply.celery.pidbox": "stands for the moment between an answer to `celery inspect` and its reading",
    "tidings:celery-task-meta-TASK": "written where the process of a handler was killed, which threads cannot show",
}
"""Rows of others' keys that this test does not see, each with the reason. Every row of ours is seen."""

MADE_BY_USERS = ("accounts.toml",)
"""Files that papers name and that no checkout has."""

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
url = "{url}/router/rest"
app_key = "12345678"
app_secret = "helloworld"
calls_per_day = 50
lease_seconds = {lease}
[gateways.vv]
platform = "vvtool"
url = "{url}/tool/erps/tbconsume"
token = "test-token"
lease_seconds = {lease}
[gateways.slow]
platform = "taobao"
url = "{url}/router/rest"
app_key = "12345678"
app_secret = "helloworld"
calls_per_second = 0.2
[gateways.banned]
platform = "taobao"
url = "{url}/router/rest"
app_key = "12345678"
app_secret = "wrong"
[accounts.shop]
gateway = "tb"
session = "test-session"
poll = {{ min = 1, max = 1 }}  # 50 calls do not suffice for that, but in the last minute of a day
[accounts.shop.counter]
topics = ["trade"]
user_ids = ["11"]
[accounts.vshop]
gateway = "vv"
shop_id = "123"
[accounts.first]
gateway = "slow"
[accounts.second]
gateway = "slow"
[accounts.refused]
gateway = "banned"
"""

MESSAGES: list[dict[str, Any]] = [{"topic": "t", "content": {"tid": number}} for number in range(12)]
MESSAGES[0]["content"]["note"] = "x" * LEAST
FOR_NOBODY = {"topic": "nobody_handles_this", "content": {}}


@dataclass(frozen=True)
class Row:
    """One kind of key, as the table has it."""

    key: str
    type: str
    expires: str

    def fits(self, key: str, kind: str, left: float) -> bool:
        """Whether a key with this type, and so many seconds left (less than 0: it does not expire), is as the row says."""
        pattern = re.sub(r"[A-Z]+", "[^:]+", re.escape(self.key))
        return bool(re.fullmatch(pattern, key)) and kind == self.type and self.allows(left)

    def allows(self, left: float) -> bool:
        """Whether a key of this kind may have so many seconds left."""
        if self.expires == "never" or left < 0:
            return self.expires == "never" and left < 0
        told = re.match(r"(\d+) ([a-z]+?)s?\b", self.expires)
        return told is None or left <= int(told[1]) * UNITS[told[2]] + SLACK


@cache
def table() -> tuple[Row, ...]:
    """The rows of the table of keys, one for each kind of key."""
    found = []
    for line in ARCHITECTURE.read_text().splitlines():
        if line.startswith("| `tidings:"):
            keys, kind, _, expires, _ = (cell.strip() for cell in line.strip("|").split("|"))
            found += [Row(key, kind, expires) for key in re.findall(r"`([^`]+)`", keys)]
    return tuple(found)


class Looks:
    """What was seen in Valkey, look after look."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.seen: set[Row] = set()

    def strangers(self) -> list[str]:
        """Keys that are in no row, or of another type or life than it says."""
        found = []
        for key in self.redis.scan_iter("*", count=1000):
            pipe: Any = self.redis.pipeline()
            kind, left = pipe.type(key).pttl(key).execute()
            fitting = {row for row in table() if row.fits(key, kind, left / 1000)}
            self.seen |= fitting
            if kind != "none" and not fitting:
                found.append(f"{key}: a {kind} that " + ("does not expire" if left < 0 else f"has {left} ms left"))
        return found

    def look(self) -> None:
        """Look at everything. What stands wrong is looked at again: some keys are written first and expire then."""
        end = time.monotonic() + 2
        while found := self.strangers():
            assert time.monotonic() < end, f"not in {ARCHITECTURE.name}, or otherwise there: {found}"
            time.sleep(0.05)

    def missing(self, of: Iterable[Row]) -> list[str]:
        """The rows that were not seen."""
        return [row.key for row in of if row not in self.seen and row.key not in UNSEEN]


@pytest.fixture
def shop(tidings: Stores, sandbox: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Control:
    """The platforms, with messages and a counter for accounts whose gateways have every kind of limit."""
    (tmp_path / "accounts.toml").write_text(ACCOUNTS.format(url=sandbox.url, lease=LEASE))
    runtime.accounts_source.cache_clear()
    sandbox.publish("taobao", [*MESSAGES, FOR_NOBODY])
    sandbox.publish("vvtool", MESSAGES, shop_id="123")
    sandbox.counter("11", "trade", 3)
    monkeypatch.setattr(holding_back, "behind", lambda *_: 0.0)  # who is held back is for open batches alone to say
    monkeypatch.setenv("TIDINGS_OPEN_BATCHES", "1")
    settings.settings.cache_clear()
    return sandbox


@pytest.fixture
def looks(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Looks:
    """Looks at Valkey, also while a plan is made."""
    made, demands = Looks(redis), planner.demands

    def watched(*args: Any) -> Any:
        made.look()
        return demands(*args)

    monkeypatch.setattr(planner, "demands", watched)
    return made


@pytest.fixture
def traced() -> Iterator[None]:
    """Somebody listens to the publishing of tasks."""

    def hear(**_: Any) -> None:
        """Nothing is done with it."""

    before_task_publish.connect(hear)
    yield
    before_task_publish.disconnect(hear)


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def put_off(name: str) -> None:
    """Have an account wait for a call of its gateway."""
    with pytest.raises(NotNow), calls.call(runtime.accounts().accounts[name], "pull"):
        pass


def on_the_page(stores: Stores) -> None:
    """Somebody is not let in, then is, and does something."""
    stores.web.key()
    stores.web.attempt("203.0.113.7", TRIES_SECONDS)
    stores.web.note(Line(0, "Li", "203.0.113.7", "login refused"), LOGINS)
    stores.web.begin("digest", Session("Li", "operator", 0, "token"), IDLE_SECONDS)
    stores.web.note(Line(0, "Li", "203.0.113.7", "poll account", "shop"))


def test_every_key_is_in_the_table_and_every_row_is_seen(
    shop: Control, tidings: Stores, looks: Looks, registered: Callable[..., object], traced: None
) -> None:
    go_on, begun, failed = threading.Event(), threading.Semaphore(0), threading.Event()

    def on_any(content: dict[str, Any]) -> None:
        begun.release()
        go_on.wait(30)
        if content["tid"] == 7:
            raise Reject("bad")
        if not failed.is_set():
            failed.set()
            raise ValueError

    registered(on_any, "t", key="tid", latest=True)
    shop.switches(clock_ahead=30)
    AccountScheduler(app=app).poll_due()
    until(lambda: looks.redis.llen("tidings:consume"), "beat sends nobody")
    count.count("shop")
    for name in ("shop", "vshop", "refused", "shop"):
        consume.consume(name)
    with calls.call(runtime.accounts().accounts["first"], "pull"):
        put_off("second")
        looks.look()
    looks.look()
    run(accounts_command, "pause", "second", "--for", "1h")
    with start_worker(app, pool="threads", concurrency=4, perform_ping_check=False, loglevel=logging.CRITICAL):
        try:
            until(lambda: begun.acquire(blocking=False), "no handler is called")
            looks.look()
        finally:
            go_on.set()
        until(lambda: not any(tidings.batches.load(name).batches for name in ("shop", "vshop")), "batches stay open")
        looks.look()
    assert all(row["confirmed"] for row in shop.ledger("taobao"))
    shop.publish("vvtool", MESSAGES[:1], shop_id="123")
    shop.fault("vvtool", "undecodable", count=1)
    consume.consume("vshop")  # buries it, so the confirm needs no chord
    tidings.letters.bury(
        Letter(Item("", "1", "t", "{}"), "taobao", "shop", "failed", names=("app", "1"), kind="failed")
    )
    assert tidings.letters.due([3600.0], 1, 5) == []
    assert tidings.letters.queue(["x"], 600.0) == {"x"}
    gateways.tell()
    tidings.inbox.keep("gone", "b9", b"{}", 60)
    keeping.gone(["gone"])
    on_the_page(tidings)
    confirm.confirm([], "shop", "gone", clock.now(), 20, alone=True, receipts=["1"])
    looks.look()
    assert not looks.missing(table())


def test_every_kind_of_key_that_is_not_seen_is_in_the_table_and_not_ours() -> None:
    known = {line for line in ARCHITECTURE.read_text().splitlines() if line.startswith("| `tidings:")}
    for key in UNSEEN:
        (line,) = (line for line in known if f"`{key}`" in line)
        assert "tasks/store" not in line


def test_every_room_is_named() -> None:
    text = ARCHITECTURE.read_text()
    tops = ("tasks", "handlers", "tidings_cli")
    rooms = {path.parent.relative_to(ROOT).as_posix() for top in tops for path in (ROOT / top).rglob("__init__.py")}
    alone = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tasks").glob("[a-z]*.py")}
    assert not [room for room in sorted(rooms | alone) if not re.search(f"`{room}/?`", text)]


def named_in(paper: Path) -> Iterator[tuple[str, Path]]:
    """What a paper names of this tree: links, paths from its top (NAME stands for any), and files by their name alone."""
    text = re.sub(r"```.*?```", "", paper.read_text(), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        yield link, paper.parent / link
    for path in re.findall(r"`((?:tasks|handlers|tests|docs|\.ci)/[\w./-]*)`", text):
        yield path, ROOT / re.sub(r"[^/]*NAME.*", "", path)
    for word, path in re.findall(r"`(\w+)`\s+(?:in|of)\s+`((?:tasks|handlers|tests)/[\w/]+\.py)`", text):
        yield f"{word} in {path}", ROOT / (path if stands_in(word, ROOT / path) else "gone")
    for name in re.findall(r"`([\w-]+\.(?:py|lua|toml|md|txt))`", text):
        yield name, next(files(name), ROOT / name)


def stands_in(word: str, path: Path) -> bool:
    """Whether a file has a word."""
    return path.exists() and re.search(rf"\b{word}\b", path.read_text()) is not None


def files(name: str) -> Iterator[Path]:
    """Files of that name, wherever they stand."""
    for top in ("tasks", "handlers", "tests", "docs"):
        yield from (ROOT / top).rglob(name)


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.relative_to(ROOT).as_posix())
def test_what_a_paper_names_is_there(paper: Path) -> None:
    assert not sorted({name for name, path in named_in(paper) if name not in MADE_BY_USERS and not path.exists()})
