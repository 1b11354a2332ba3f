"""What rereading the accounts costs a running process: no waiting, and nothing for accounts that did not change."""

import functools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.accounts import Account, AccountsSource, background, checking
from tasks.accounts.pieces import Piece

LOOK = 0.02  # seconds between two looks at a file
GATEWAY = '[gateways.tb]\nplatform = "taobao"\napp_key = "{key}"\napp_secret = "file:secret"\n'
LIMIT = 10.0

SLOW = """
import threading
asked, answer = threading.Event(), threading.Event()
threads, names = [], ["a"]
def go():
    threads.append(threading.current_thread())
    if len(threads) > 1:
        asked.set()
        answer.wait(30)
    accounts = {name: {"gateway": "vv", "shop_id": name} for name in names}
    return {"gateways": {"vv": {"platform": "vvtool", "token": "t"}}, "accounts": accounts}
"""


def table(name: str, **more: object) -> str:
    keys = "".join(f"{key} = {value}\n" for key, value in more.items())
    return f'[accounts.{name}]\ngateway = "tb"\ngroup = "{name}"\nsession = "file:session-{name}"\n{keys}'


def structure(*tables: str, key: str = "1") -> str:
    return GATEWAY.format(key=key) + "".join(tables)


def eventually(reached: Callable[[], bool]) -> bool:
    """Whether it comes to be true within the limit."""
    end = time.monotonic() + LIMIT
    while not reached():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK / 2)
    return True


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An accounts file with two accounts and a secret each."""
    for name in ("secret", "session-a", "session-b", "session-c"):
        (tmp_path / name).write_text(name)
    path = tmp_path / "accounts.toml"
    path.write_text(structure(table("a"), table("b")))
    return path


@pytest.fixture
def source(file: Path) -> AccountsSource:
    """The accounts of that file, looked at fifty times a second."""
    return AccountsSource(str(file), LOOK)


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AccountsSource]:
    """The accounts of a function that blocks from its second call on, until it may answer."""
    (tmp_path / "slow_accounts.py").write_text(SLOW)
    monkeypatch.syspath_prepend(str(tmp_path))
    source = AccountsSource("python:slow_accounts:go", LOOK / 30)
    source.current()
    yield source
    sys.modules.pop("slow_accounts").answer.set()


def taken(source: AccountsSource, file: Path, text: str) -> dict[str, Account]:
    """The accounts once the file says this."""
    before = source.current()
    file.write_text(text)
    assert eventually(lambda: source.current() is not before)
    return dict(source.current().accounts)


# Nobody waits


def test_a_function_that_blocks_holds_up_nobody(slow: AccountsSource) -> None:
    """Not even the one whose turn it was to ask: beat has tasks to send meanwhile."""
    module = sys.modules["slow_accounts"]
    before = slow.current()
    assert eventually(lambda: slow.current(patience=0) is before and module.asked.is_set())
    started = time.monotonic()
    for _ in range(1000):
        assert slow.current(patience=0) is before
    assert time.monotonic() - started < LIMIT / 2
    module.names.append("b")
    module.answer.set()
    assert eventually(lambda: slow.current(patience=0).accounts.keys() == {"a", "b"})


def test_it_is_asked_once_at_a_time_and_never_in_the_thread_of_who_wants_the_accounts(slow: AccountsSource) -> None:
    """After its first call, which somebody has to wait for."""
    module = sys.modules["slow_accounts"]
    assert eventually(lambda: slow.current(0) is not None and module.asked.is_set())
    for _ in range(20):
        slow.current(0)
        time.sleep(LOOK / 10)
    assert len(module.threads) == 2
    module.answer.set()
    assert eventually(lambda: slow.current(0) is not None and len(module.threads) > 5)
    assert threading.current_thread() not in module.threads[1:]


def test_who_asks_after_a_long_time_gets_what_is_there_now(source: AccountsSource, file: Path) -> None:
    """A worker that had nothing to do for an hour must not call with the credentials of then."""
    source.current()
    file.write_text(structure(table("c")))
    time.sleep(1.2)  # so that the file is at rest
    assert source.current(patience=LIMIT).accounts.keys() == {"c"}


def test_who_asks_all_the_time_does_not_wait_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has had what was there at the last look, a moment ago."""
    (tmp_path / "often_asked.py").write_text(SLOW)
    monkeypatch.syspath_prepend(str(tmp_path))
    source = AccountsSource("python:often_asked:go", 2.0 / 30)
    source.current()
    module, longest = sys.modules["often_asked"], 0.0
    while not module.asked.is_set():
        started = time.monotonic()
        source.current(patience=LIMIT)
        longest = max(longest, time.monotonic() - started)
        time.sleep(LOOK)
    sys.modules.pop("often_asked").answer.set()
    assert longest < LIMIT / 2


def test_but_waits_no_longer_than_told(slow: AccountsSource) -> None:
    """What answers slowly then may not answer at all."""
    time.sleep(LOOK * 5)
    started = time.monotonic()
    assert slow.current(patience=0.1).accounts.keys() == {"a"}
    assert 0.1 <= time.monotonic() - started < LIMIT


def test_work_that_raises_is_done_again_when_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it was."""
    done: list[int] = []

    def work() -> None:
        done.append(1)
        raise RuntimeError

    works = background.Background(work, after_fork=lambda: None)
    for number in (1, 2):
        assert eventually(lambda: works.ask() is not None)
        assert eventually(lambda number=number: len(done) == number)  # type: ignore[misc]
    assert "could not be looked at" in caplog.text


def test_whoever_comes_while_the_thread_is_started_waits_for_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not for what was done before, which is over: it would take the accounts of then for those of now."""
    does = background.Background(lambda: None, lambda: None)
    first = does.ask()
    assert first is not None
    assert first.wait(10)
    assert eventually(lambda: not does._busy.locked())
    start, waited = threading.Thread.start, list[float]()

    def slowly(thread: threading.Thread) -> None:
        began = time.monotonic()
        does.join(0.2)
        waited.append(time.monotonic() - began)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", slowly)
    does.join(10)
    assert len(waited) == 1
    assert waited[0] >= 0.2


def test_work_for_which_there_is_no_thread_is_done_once_there_is_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Accounts were never read again after that, in a process that went on."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    done = threading.Event()
    works = background.Background(done.set, after_fork=lambda: None)
    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", refuse)
        assert works.ask() is None
    assert "the accounts are not looked at: can't start new thread; it is tried again" in caplog.text
    assert works.ask() is not None
    assert done.wait(LIMIT)


# Forks


def in_a_child(check: Callable[[], bool]) -> bool:
    """Whether the check holds in a forked process."""
    child = os.fork()
    if child == 0:
        os._exit(0 if check() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_forked_process_reads_changes_by_itself(source: AccountsSource, file: Path) -> None:
    """A prefork worker's parent has read the accounts and may have looked again; its thread is not in the children."""
    taken(source, file, structure(table("a")))

    def follows() -> bool:
        file.write_text(structure(table("a"), table("b")))
        return eventually(lambda: source.current().accounts.keys() == {"a", "b"})

    assert in_a_child(follows)


def test_a_process_forked_while_its_parent_reads_reads_for_itself(
    file: Path, source: AccountsSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its parent had half done counts as not done."""
    source.current()
    reading, on = threading.Event(), threading.Event()
    original = checking.check
    parent = os.getpid()

    def held_up(*args: object, **kwargs: object) -> object:
        if os.getpid() == parent:
            reading.set()
            on.wait(30)
        return original(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr("tasks.accounts.source.check", held_up)
    file.write_text(structure(table("b")))
    assert eventually(lambda: source.current(0) is not None and reading.is_set())
    assert in_a_child(lambda: eventually(lambda: source.current().accounts.keys() == {"b"}))
    on.set()


# What did not change


def test_an_account_that_did_not_change_is_the_same_object(source: AccountsSource, file: Path) -> None:
    """So nothing is held twice, and telling what changed is quick."""
    before = source.current().accounts
    after = taken(source, file, structure(table("a"), table("b", quantity=50), table("c")))
    assert after["a"] is before["a"]
    assert after["b"] != before["b"]
    assert after.keys() == {"a", "b", "c"}


def test_it_is_not_even_read_again(source: AccountsSource, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a hundred thousand tables of TOML takes seconds."""
    source.current()
    read: list[str] = []
    original = Piece.table

    def noted(piece: Piece) -> object:
        read.append(piece.name)
        return original(piece)

    monkeypatch.setattr(Piece, "table", noted)
    taken(source, file, structure(table("a"), table("b", quantity=50)))
    taken(source, file, structure(table("a"), table("b", quantity=60)))
    assert read == ["b", "b"]


def test_an_account_written_otherwise_that_says_the_same_is_the_same_object(source: AccountsSource, file: Path) -> None:
    """Else a file that is sorted anew would be held twice until the next change."""
    before = source.current().accounts
    after = taken(source, file, structure("# b first\n", table("b"), "# then a\n", table("a", quantity=50)))
    again = taken(source, file, structure(table("a"), table("b")))
    assert before["b"] is after["b"] is again["b"]


def test_a_gateway_that_changed_changes_its_accounts(source: AccountsSource, file: Path) -> None:
    """Their own tables say the same as before."""
    before = source.current()
    after = taken(source, file, structure(table("a"), table("b"), key="2"))
    assert after["a"] != before.accounts["a"]
    assert all(account.gateway is source.current().gateways["tb"] for account in after.values())


def test_a_secret_that_changed_changes_its_account_alone(source: AccountsSource, file: Path) -> None:
    """Its table says the same as before: where the secret is."""
    before = source.current()
    (file.parent / "session-a").write_text("renewed")
    assert eventually(lambda: source.current() is not before)
    after = source.current().accounts
    assert after["a"].model_dump()["session"].get_secret_value() == "renewed"
    assert after["b"] is before.accounts["b"]


def test_a_literal_secret_is_warned_about_each_time(source: AccountsSource, file: Path) -> None:
    """Also where its account was not read again."""
    literal = '[accounts.lit]\ngateway = "tb"\nsession = "literal"\n'
    taken(source, file, structure(table("a"), literal))
    taken(source, file, structure(table("b"), literal))
    assert ["accounts.lit.session" in warning for warning in source.current().warnings] == [True]


def test_a_fault_in_one_account_does_not_cost_the_others_their_place(source: AccountsSource, file: Path) -> None:
    """The file that is mended is compared with the last good one."""
    before = source.current().accounts
    file.write_text(structure(table("a"), table("b", quantity="0")))
    time.sleep(LOOK * 5)
    after = taken(source, file, structure(table("a"), table("b", quantity=60)))
    assert after["a"] is before["a"]


def test_accounts_share_what_they_have_in_common(source: AccountsSource, file: Path) -> None:
    """A hundred thousand of them are held by each process."""
    poll = "{ min = 5, max = 50 }"
    a, b = taken(source, file, structure(table("a", poll=poll), table("b", poll=poll))).values()
    assert a.poll.max == 50
    assert a.poll is b.poll
    assert a.model_fields_set is b.model_fields_set
    assert a.model_fields_set == {"name", "gateway", "group", "session", "poll"}


def test_a_functions_accounts_that_did_not_change_are_the_same_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It builds all its tables anew each time."""
    (tmp_path / "anew.py").write_text(
        "more = {}\n"
        "def go():\n"
        "    accounts = {n: {'gateway': 'vv', 'shop_id': n, 'poll': {'max': 9}, **more.get(n, {})} for n in 'ab'}\n"
        "    return {'gateways': {'vv': {'platform': 'vvtool', 'token': 't'}}, 'accounts': accounts}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    source = AccountsSource("python:anew:go", LOOK / 30)
    before = source.current()
    sys.modules["anew"].more["b"] = {"topic": "t"}
    assert eventually(lambda: source.current() is not before)
    after = source.current().accounts
    assert after["a"] is before.accounts["a"]
    assert after["b"] != before.accounts["b"]
    sys.modules.pop("anew")


def test_what_looks_like_an_account_in_a_text_is_none(source: AccountsSource, file: Path) -> None:
    """The pieces turn out wrong when they are read; then the file is read as a whole."""
    file.write_text(GATEWAY.format(key="1") + "[accounts.c]\ngateway = \"tb\"\ngroup = '''\n[accounts.d]'''\n")
    assert eventually(lambda: source.current().accounts.keys() == {"c"})
    assert source.current().accounts["c"].model_dump()["group"] == "[accounts.d]"


def test_a_slip_in_one_account_is_told_with_its_line_in_the_file(
    source: AccountsSource, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not with that of the piece."""
    source.current()
    file.write_text(structure(table("a"), '[accounts.b]\ngateway = "tb\n'))
    assert eventually(lambda: source.current() is not None and "line 10" in caplog.text)


def is_taken(source: AccountsSource, expected: set[str]) -> bool:
    return source.current().accounts.keys() == expected


@pytest.mark.parametrize(
    "ways", [("[accounts.{}]\n", "[ accounts . {} ]\n"), ("[ accounts . {} ]\n", "[accounts.{}]\n")]
)
def test_a_file_that_cannot_be_cut_is_read_as_a_whole(
    source: AccountsSource, file: Path, ways: tuple[str, str]
) -> None:
    """And one that can again, in pieces again."""
    for name, header in zip("cd", ways, strict=True):
        file.write_text(GATEWAY.format(key="1") + header.format(name) + 'gateway = "tb"\n')
        assert eventually(functools.partial(is_taken, source, {name}))
