"""What whoever sends a poll has read of the accounts, whoever takes it reads first: every kind of change, and what it costs."""

import importlib
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kombu.utils.json import loads
from redis import Redis

from tasks import clock, consume, runtime, sending
from tasks.accounts import Account, AccountsSource, fingerprint, origins
from tasks.calling import pausing
from tasks.names import CONSUME
from tasks.pulling import newer
from tasks.pulling.rota import Rota
from tasks.rules.circuit_breaker import Pause
from tasks.runtime import Stores

GATEWAY = '[gateways.tb]\nplatform = "taobao"\napp_key = "1"\napp_secret = "file:secret"\n{more}'
SHOP = '[accounts.shop]\ngateway = "tb"\nsession = "file:session"\n{more}'
VSHOP = '[gateways.vv]\nplatform = "vvtool"\ntoken = "t"\n[accounts.vshop]\ngateway = "vv"\nshop_id = "1"\n{more}'
SELDOM = 1000.0
"""Seconds between two looks of a process that would not find the change by itself during a test."""

Change = Callable[[Path], object]


def written(*, gateway: str = "", shop: str = "", vshop: str = "", also: str = "") -> Change:
    """Writes the accounts file with these lines more."""
    text = GATEWAY.format(more=gateway) + VSHOP.format(more=vshop) + SHOP.format(more=shop) + also
    return lambda folder: (folder / "accounts.toml").write_text(text)


def secret(name: str) -> Change:
    """Writes another secret into a file of its own."""
    return lambda folder: (folder / name).write_text("renewed")


KINDS: dict[str, tuple[str, Change]] = {
    "session, in its own file": ("shop", secret("session")),
    "session, elsewhere": ("shop", written(shop='group = "g"\n', also="# another\n")),
    "added": ("new", written(also='[accounts.new]\ngateway = "tb"\n')),
    "gateway's secret": ("shop", secret("secret")),
    "gateway's url": ("shop", written(gateway='url = "http://127.0.0.1:1/router/rest"\n')),
    "limits": ("shop", written(gateway="calls_per_second = 5\n")),
    "limits a day": ("shop", written(gateway="calls_per_day = 500\n")),
    "lease": ("shop", written(gateway="lease_seconds = 30\n")),
    "quantity": ("shop", written(shop="quantity = 20\n")),
    "poll": ("shop", written(shop="poll = { min = 2, max = 20 }\n")),
    "topic": ("vshop", written(vshop='topic = "taobao_trade_TradeSellerShip"\n')),
    "extra counter": ("shop", written(shop='[accounts.shop.counter]\ntopics = ["trade"]\n')),
}


@pytest.fixture(autouse=True)
def _at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file counts as whole at once: the tests write it in one go."""
    monkeypatch.setattr(origins, "RESTED_NS", 0)


@pytest.fixture
def folder(tidings: Stores, tmp_path: Path) -> Path:
    """With the accounts file, and the two secrets that it names."""
    for name in ("secret", "session"):
        (tmp_path / name).write_text(name)
    written()(tmp_path)
    return tmp_path


def use(monkeypatch: pytest.MonkeyPatch, source: AccountsSource) -> AccountsSource:
    """Be a process that has this source; each that takes a part in a test has its own."""
    monkeypatch.setattr(runtime, "accounts_source", lambda: source)
    monkeypatch.setattr(sending, "accounts_source", lambda: source)
    return source


def opened(folder: Path, pace: float = SELDOM) -> AccountsSource:
    """A process's source, which has read what stands there now."""
    source = AccountsSource(str(folder / "accounts.toml"), pace)
    source.current()
    return source


def told(source: AccountsSource, name: str) -> float | None:
    """What a process with this source tells of the account when it sends a poll, once it has looked."""
    source.current(age=0.0)
    ago = source.news(name)
    return None if ago is None else clock.now() - ago


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_has_older_accounts_reads_first(
    folder: Path, tidings: Stores, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    name, change = KINDS[kind]
    sender, taker = opened(folder), opened(folder)
    before = taker.current().accounts.get(name)
    change(folder)
    since = told(sender, name)
    assert since is not None
    assert taker.current().accounts.get(name) is before, "it has not looked by itself"
    use(monkeypatch, taker)
    assert newer.account(name, since, tidings.due) == sender.current().accounts[name] != before


def test_an_account_that_is_gone_is_not_polled(folder: Path, tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name came back and went again, as when somebody tries things out."""
    sender, taker = opened(folder), opened(folder)
    written(also='[accounts.new]\ngateway = "tb"\n')(folder)
    since = told(sender, "new")
    written()(folder)
    use(monkeypatch, taker)
    assert newer.account("new", since, tidings.due) is None


def test_a_functions_accounts_are_asked_for_again(
    folder: Path, tidings: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is called by itself every 30 looks only."""
    (folder / "accounts_of_newer.py").write_text(
        "names, calls = ['a'], []\n"
        "def go():\n"
        "    calls.append(1)\n"
        "    accounts = {name: {'gateway': 'vv', 'shop_id': name} for name in names}\n"
        "    return {'gateways': {'vv': {'platform': 'vvtool', 'token': 't'}}, 'accounts': accounts}\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    sender, taker = (AccountsSource("python:accounts_of_newer:go", SELDOM) for _ in range(2))
    module: Any = importlib.import_module("accounts_of_newer")
    try:
        for source in (sender, taker):
            source.current()
        module.names.append("b")
        since = told(sender, "b")
        use(monkeypatch, taker)
        calls = len(module.calls)
        for _ in range(5):
            found = newer.account("b", since, tidings.due)
            assert found is not None
        assert len(module.calls) == calls + 1
    finally:
        sys.modules.pop("accounts_of_newer")


# What goes with a poll


def queued(redis: Redis) -> list[dict[str, Any]]:
    """The keyword arguments of the polls in the queue, by account."""
    return [loads(raw)["headers"] for raw in redis.lrange("tidings:consume", 0, -1)]


@pytest.mark.parametrize("sent_by", ["beat", "worker"])
def test_only_accounts_that_changed_carry_since_when(
    folder: Path, tidings: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch, sent_by: str
) -> None:
    source = use(monkeypatch, opened(folder))
    beat = Rota(tidings.due, CONSUME, source.current().accounts)
    while beat.keep_in_step():
        pass
    secret("session")(folder)
    source.current(age=0.0)
    if sent_by == "beat":
        tidings.due.wake({"shop": 0, "vshop": 0})
        beat.send()
    else:
        for name in ("shop", "vshop"):
            sending.consume(name)
    carried = {header["argsrepr"].strip("()[],'"): "since" in header["kwargsrepr"] for header in queued(redis)}
    assert carried == {"shop": True, "vshop": False}
    assert "renewed" not in str(redis.lrange("tidings:consume", 0, -1))


def test_who_is_paused_for_older_credentials_is_polled_at_once(
    folder: Path, tidings: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, it was left alone for another half a minute, where the process had not read the new ones."""
    sender, taker = opened(folder), opened(folder)
    before = taker.current().accounts["shop"]
    pausing.put(before, "account", Pause(clock.now() + 60, "expired", "renew", 1, fingerprint(before)), clock.now())
    secret("session")(folder)
    since = told(sender, "shop")
    use(monkeypatch, taker)
    called: list[Account] = []

    def noted(account: Account, *_: object) -> float:
        called.append(account)
        return 5.0

    monkeypatch.setattr(consume, "pull", noted)
    consume.consume("shop", since=since)
    assert called == [sender.current().accounts["shop"]]


@pytest.mark.parametrize(("change", "soon"), [(True, True), (False, False)])
def test_who_changes_during_a_poll_is_polled_again_soon(
    folder: Path, tidings: Stores, monkeypatch: pytest.MonkeyPatch, change: bool, soon: bool
) -> None:
    """Beat has woken the account meanwhile, and the end of the poll with older credentials would put it off."""
    source = use(monkeypatch, opened(folder))

    def polled(account: Account) -> float:
        if change:
            secret("session")(folder)
            source.current(age=0.0)
        tidings.due.put(account.name, 30.0)
        return 30.0

    monkeypatch.setattr(consume, "poll", polled)
    tidings.due.seed({"shop": 0})
    consume.consume("shop")
    assert (tidings.due.delays(["shop"])["shop"] <= newer.AGAIN_SECONDS) is soon


# What it costs


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When each look at a file was."""
    seen: list[float] = []
    original = origins.File.changed

    def noted(self: origins.File, *, hurried: bool = False) -> bool | None:
        seen.append(time.monotonic())
        return original(self, hurried=hurried)

    monkeypatch.setattr(origins.File, "changed", noted)
    return seen


def test_a_file_that_stays_another_one_is_looked_at_once(
    folder: Path, tidings: Stores, monkeypatch: pytest.MonkeyPatch, looks: list[float]
) -> None:
    """Copied to each machine by itself, it may be older here than where beat runs, for long."""
    use(monkeypatch, opened(folder))
    since, looked = clock.now(), len(looks)
    for _ in range(20):
        assert newer.account("shop", since, tidings.due) is not None
    assert len(looks) == looked + 1


def test_a_sender_that_is_behind_costs_no_look(
    folder: Path, tidings: Stores, monkeypatch: pytest.MonkeyPatch, looks: list[float]
) -> None:
    since = clock.now()
    use(monkeypatch, opened(folder))
    looked = len(looks)
    assert newer.account("shop", since, tidings.due) is not None
    assert len(looks) == looked


@pytest.mark.parametrize("since", [None, "soon"])
def test_an_earlier_version_tells_nothing(
    folder: Path, tidings: Stores, monkeypatch: pytest.MonkeyPatch, looks: list[float], since: Any
) -> None:
    """Or a later one something else."""
    use(monkeypatch, opened(folder))
    looked = len(looks)
    assert newer.account("shop", since, tidings.due) is not None
    assert len(looks) == looked


def test_one_look_serves_all_threads(
    folder: Path, tidings: Stores, monkeypatch: pytest.MonkeyPatch, looks: list[float]
) -> None:
    """A hundred polls of one process wait for it together."""
    source = use(monkeypatch, opened(folder))
    secret("session")(folder)
    looked, since, found = len(looks), clock.now(), list[Account | None]()
    threads = [
        threading.Thread(target=lambda: found.append(newer.account("shop", since, tidings.due))) for _ in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == [source.current().accounts["shop"]] * 50
    assert len(looks) - looked <= 2


def test_a_faulty_file_leaves_the_last_good_accounts_in_force(
    folder: Path, tidings: Stores, monkeypatch: pytest.MonkeyPatch, looks: list[float]
) -> None:
    source = use(monkeypatch, opened(folder))
    (folder / "accounts.toml").write_text("accounts = 5")
    since, looked = clock.now(), len(looks)
    for _ in range(3):
        assert newer.account("shop", since, tidings.due) is source.current().accounts["shop"]
    assert len(looks) == looked + 1


def test_a_poll_is_put_off_while_the_accounts_are_being_read_but_not_for_ever(
    folder: Path, tidings: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a hundred thousand accounts, or by a function that waits for a database."""
    source = use(monkeypatch, opened(folder))
    reading, on = threading.Event(), threading.Event()

    def blocks(*_: object, **__: object) -> bool:
        reading.set()
        return on.wait(30)

    monkeypatch.setattr(origins.File, "changed", blocks)
    tidings.due.seed({"shop": 300})
    try:
        assert newer.account("shop", clock.now(), tidings.due) is None
        assert reading.is_set()
        assert tidings.due.delays(["shop"])["shop"] <= newer.AGAIN_SECONDS
        late = clock.now() - newer.PUT_OFF_SECONDS - 1
        monkeypatch.setattr(source, "_looked", time.monotonic() - 100)
        assert newer.account("shop", late, tidings.due) is source.current(0).accounts["shop"]
    finally:
        on.set()


def test_a_name_that_nobody_here_knows_has_the_file_looked_at(
    folder: Path, tidings: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nobody told since when it is known, as in a confirm: at most once a look's time."""
    source = use(monkeypatch, opened(folder, 0.2))
    written(also='[accounts.new]\ngateway = "tb"\n')(folder)
    time.sleep(0.25)
    found = runtime.account("new")
    assert found is not None
    assert found is source.current().accounts["new"]


def test_a_poll_of_an_account_that_there_is_not_is_told(
    folder: Path, tidings: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As of one that `celery call` names amiss."""
    use(monkeypatch, opened(folder, 0.2))
    with caplog.at_level("INFO"):
        consume.consume("nobody")
        consume.consume("nobody", None, clock.now() - 100)
    assert [record.getMessage() for record in caplog.records if "nobody" in record.getMessage()] == [
        "nobody: no poll, as the accounts have none of that name"
    ] * 2
