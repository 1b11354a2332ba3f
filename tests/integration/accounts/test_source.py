"""Reading accounts from files and functions, and noticing what changes in them while a process runs."""

import functools
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.accounts import Accounts, AccountsError, AccountsSource, TaobaoAccount, load
from tasks.accounts.pieces import Piece
from tests import ROOT

EXAMPLE = ROOT / "accounts.example.toml"
EXAMPLE_SECRETS = {
    "TB_SECRET": "helloworld",
    "QM_SECRET": "helloworld",
    "VV_TOKEN": "test-token",
    "SHOP1_SESSION": "test-session",
}
SECRET = "s3cr3t-of-mine"
LOOK = 0.02  # seconds between two looks at a file

GATEWAY = '[gateways.tb]\nplatform = "taobao"\napp_key = "1"\napp_secret = "{secret}"\n'


def structure(*names: str, secret: str = "env:TB") -> str:
    """An accounts file with these accounts behind one gateway."""
    accounts = "".join(f'[accounts.{name}]\ngateway = "tb"\ngroup = "{name}"\n' for name in names)
    return GATEWAY.format(secret=secret) + "[accounts]\n" + accounts


def eventually(reached: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether it comes to be true within the limit."""
    end = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK / 2)
    return True


def refusal(source: str) -> str:
    with pytest.raises(AccountsError) as caught:
        load(source, {"TB": "x"})
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good accounts file with one account."""
    path = tmp_path / "accounts.toml"
    path.write_text(structure("a"))
    return path


@pytest.fixture
def source(file: Path) -> AccountsSource:
    """The accounts of that file, looked at fifty times a second."""
    return AccountsSource(str(file), LOOK, {"TB": "x", "OTHER": "y"})


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Writes a module that can be imported, and returns its name."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made: list[str] = []

    def write(text: str) -> str:
        name = f"accounts_of_mine_{len(made)}"
        (tmp_path / f"{name}.py").write_text(text)
        made.append(name)
        return name

    yield write
    for name in made:
        sys.modules.pop(name, None)


# Files, read once


def test_the_example_file_is_right_and_complete() -> None:
    """As it stands, with the four variables that it names."""
    accounts = load(str(EXAMPLE), EXAMPLE_SECRETS)
    assert {name: gateway.platform for name, gateway in accounts.gateways.items()} == {
        "tb": "taobao",
        "qm": "qianmi",
        "vv": "vvtool",
    }
    assert accounts.accounts.keys() == {"shop-1", "seller-3", "shop-2"}
    assert accounts.warnings == ()


def test_the_example_file_without_its_comment_signs_is_right_too(tmp_path: Path) -> None:
    """Every key that it only mentions exists, and the sandbox's addresses fit."""
    lines = EXAMPLE.read_text().splitlines()
    keys = [line.removeprefix("# ") if " = " in line and line.startswith("# ") else line for line in lines]
    (tmp_path / "all.toml").write_text("\n".join(key for key in keys if not key.startswith("  export")))
    accounts = load(str(tmp_path / "all.toml"), EXAMPLE_SECRETS | {"QM_ACCESS_TOKEN": "test-token"})
    assert {gateway.url.removeprefix("http://127.0.0.1:8800") for gateway in accounts.gateways.values()} == {
        "/router/rest",
        "/api",
        "/tool/erps/tbconsume",
    }
    shop = accounts.accounts["shop-1"]
    assert isinstance(shop, TaobaoAccount)
    assert shop.counter is not None


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_may_come_from_a_file_beside_the_accounts_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """The path starts at the accounts file, wherever the process runs; one line break at its end is not the secret's."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "accounts.toml").write_text(structure("a", secret="file:secrets/tb"))
    (tmp_path / "etc" / "secrets").mkdir()
    (tmp_path / "etc" / "secrets" / "tb").write_bytes(f"{SECRET}{ending}".encode())
    monkeypatch.chdir(tmp_path)
    assert load("etc/accounts.toml").gateways["tb"].model_dump()["app_secret"].get_secret_value() == SECRET


def test_a_relative_path_starts_where_the_process_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever folder a handler has gone to since."""
    (tmp_path / "accounts.toml").write_text(structure("a"))
    monkeypatch.chdir(tmp_path)
    source = AccountsSource("accounts.toml", LOOK, {"TB": "x", "OTHER": "y"})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert set(source.current().accounts) == {"a"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"a\n\n", "in one line"),
        (b"\xff\xfe", "not UTF-8"),
        (b"x" * 70_000, "larger than 65536 bytes"),
        (None, "there is no such file"),
    ],
)
def test_a_secrets_file_that_cannot_be_one_is_named_without_its_content(
    tmp_path: Path, content: bytes | None, expected: str
) -> None:
    """Empty, of several lines, binary, huge, absent."""
    (tmp_path / "accounts.toml").write_text(structure("a", secret="file:tb"))
    if content is not None:
        (tmp_path / "tb").write_bytes(content)
    said = refusal(str(tmp_path / "accounts.toml"))
    assert "gateways.tb.app_secret" in said
    assert expected in said


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'[gateways.tb]\nplatform = "taobao\n', "line 2"),
        (b"a = 1\na = 2\n", "line 2"),
        (b"# fine\n\xff\n", "not UTF-8 (line 2)"),
        (b"a = " + b"[" * 100_000, "nested too deeply"),
        (b"a = " + b"9" * 5000, "not TOML"),
        (b"", "expected tables, as [gateways.NAME]"),
    ],
)
def test_a_file_that_is_no_accounts_file_says_why_and_where(tmp_path: Path, content: bytes, expected: str) -> None:
    """Syntax, double keys, encoding, depth, a number past reading, nothing at all."""
    path = tmp_path / "accounts.toml"
    path.write_bytes(content)
    said = refusal(str(path))
    assert str(path) in said
    assert expected in said


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    """Editors on Windows write them."""
    path = tmp_path / "accounts.toml"
    path.write_bytes(b"\xef\xbb\xbf" + structure("a").replace("\n", "\r\n").encode())
    assert load(str(path), {"TB": "x"}).accounts.keys() == {"a"}


def test_a_path_that_leads_to_no_file_says_so(tmp_path: Path) -> None:
    """Absent, a directory, a pipe (which would hang), a path that no system takes, none at all."""
    os.mkfifo(tmp_path / "pipe")
    assert "there is no such file" in refusal(str(tmp_path / "absent.toml"))
    assert "it is a directory" in refusal(str(tmp_path))
    assert "it is not a regular file" in refusal(str(tmp_path / "pipe"))
    assert "it cannot be read" in refusal("a\0b")
    assert "it cannot be read" in refusal("x" * 5000)
    assert "TIDINGS_ACCOUNTS: it is empty" in refusal("")


def test_a_file_that_may_not_be_read_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's answer is put into words; a superuser's process never gets it, so it is given here."""

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    assert "it may not be read by this user" in refusal(str(file))


def test_a_file_larger_than_any_accounts_file_is_refused(file: Path) -> None:
    """Before it fills the memory: this one says that it is a gigabyte."""
    with file.open("r+b") as sparse:
        sparse.truncate(2**30)
    assert "larger than 67108864 bytes" in refusal(str(file))


GATEWAYS = '[gateways.tb]\nplatform = "taobao"\napp_key = "1"\napp_secret = "env:NOWHERE"\nlease_seconds = 20\n'
SHOP = '[accounts.a]\ngateway = "tb"\n'
LATER = '[gateways.vv]\nplatform = "vvtool"\ntoken = "env:NOWHERE"\nlease_seconds = 10\n'


@pytest.mark.parametrize(
    ("text", "leases"),
    [
        (GATEWAYS + SHOP, {20}),
        (GATEWAYS + SHOP + "quantity = 0\n", {20}),
        (GATEWAYS + LATER + SHOP, {20, 10}),
    ],
)
def test_gateways_are_read_without_accounts_and_secrets(
    file: Path, monkeypatch: pytest.MonkeyPatch, text: str, leases: set[float]
) -> None:
    """By a worker that calls no platform, which has to know the shortest lease."""
    monkeypatch.setattr(Piece, "table", lambda _: pytest.fail("an account was read"))
    file.write_text(text)
    found = AccountsSource(str(file), LOOK, {}).gateways()
    assert {gateway.lease_seconds for gateway in found.values()} == leases


@pytest.mark.parametrize("header", ["[gateways.vv]", " [ 'gateways' . vv ]"])
def test_gateways_below_accounts_are_found_all_the_same(file: Path, header: str) -> None:
    """The file is read as a whole then."""
    file.write_text(GATEWAYS + SHOP + LATER.replace("[gateways.vv]", header))
    found = AccountsSource(str(file), LOOK, {"NOWHERE": "x"}).gateways()
    assert {gateway.lease_seconds for gateway in found.values()} == {20, 10}


# Functions


def test_a_function_returns_the_same_structure(module: Callable[[str], str]) -> None:
    """With references to secrets or, without a warning, the secrets themselves."""
    name = module(
        "import types\n"
        "class Shops:\n"
        "    @staticmethod\n"
        "    def all():\n"
        "        gateway = {'platform': 'vvtool', 'token': 'literal'}\n"
        "        accounts = {'a': {'gateway': 'vv', 'shop_id': '1'}}\n"
        "        return types.MappingProxyType({'gateways': {'vv': gateway}, 'accounts': accounts})\n"
    )
    accounts = load(f"python:{name}:Shops.all")
    assert accounts.accounts.keys() == {"a"}
    assert accounts.warnings == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"def go(): raise RuntimeError('{SECRET}')", "it raised RuntimeError at accounts_of_mine_0.py:1"),
        (f"def go(): raise SystemExit('{SECRET}')", "it raised SystemExit"),
        (f"raise ValueError('{SECRET}')", "raised ValueError at accounts_of_mine_0.py:1"),
        ("import nowhere_to_be_found", "as it imports nowhere_to_be_found, which is not there"),
        ("def go(:", "raised SyntaxError"),
        (f"go = '{SECRET}'", "go is not callable, but of type str"),
        ("gone = 1", "has no go"),
        (f"def go(): return '{SECRET}'", "expected a table with `gateways` and `accounts`"),
        ("def go(): return None", "expected a table with `gateways` and `accounts`"),
        ("class Own(BaseException): ...\ndef go(): raise Own", "it raised Own"),
        ("import asyncio\nraise asyncio.CancelledError", "raised CancelledError"),
        (f"def go(more): return '{SECRET}'", "go wants arguments, and is called without any"),
        (f"def go(*, more): return '{SECRET}'", "go wants arguments, and is called without any"),
        (f"async def go(): return '{SECRET}'", "go is an `async def`; a function that returns the accounts is called"),
        (f"def go(*some): raise TypeError('{SECRET}')", "it raised TypeError at accounts_of_mine_0.py:1"),
        ("class Shops:\n    def all(self): ...\ngo = Shops.all", "go wants arguments, and is called without any"),
        (
            "from collections.abc import Mapping\n"
            "class Odd(Mapping):\n"
            f"    def __getitem__(self, key): raise RuntimeError('{SECRET}')\n"
            "    def __iter__(self): raise RuntimeError\n"
            "    def __len__(self): return 1\n"
            "go = Odd\n",
            "the structure cannot be read: RuntimeError",
        ),
    ],
)
def test_a_function_that_fails_is_told_by_type_and_place(
    module: Callable[[str], str], text: str, expected: str
) -> None:
    """Never by its text, in which a secret may stand."""
    name = module(text)
    with pytest.raises(AccountsError) as caught:
        load(f"python:{name}:go")
    assert expected in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("python:", "expected python:package.module:callable"),
        ("python:os", "expected python:package.module:callable"),
        (
            "python:nowhere_to_be_found.shops:all",
            "there is no module nowhere_to_be_found (is it in the current folder, installed, or on PYTHONPATH?)",
        ),
        ("python:os.nowhere:all", "there is no module os.nowhere"),
    ],
)
def test_a_function_that_is_not_there_says_what_is_missing(source: str, expected: str) -> None:
    """The name's shape, or the module."""
    assert expected in refusal(source)


# A process that keeps running


def names(source: AccountsSource) -> set[str]:
    return set(source.current().accounts)


def test_a_change_is_taken_without_a_restart(source: AccountsSource, file: Path) -> None:
    """Until then it is the very same object, so that nobody compares a hundred thousand accounts for nothing."""
    before = source.current()
    assert source.current() is before
    file.write_text(structure("a", "b"))
    assert eventually(lambda: names(source) == {"a", "b"})


def test_a_file_put_in_place_of_the_old_one_is_noticed(source: AccountsSource, file: Path) -> None:
    """The way careful editors and config management write."""
    assert names(source) == {"a"}
    (file.parent / "new").write_text(structure("z"))
    (file.parent / "new").replace(file)
    assert eventually(lambda: names(source) == {"z"})


def test_a_file_that_is_only_touched_changes_nothing(source: AccountsSource, file: Path) -> None:
    """Comments and dates are not accounts."""
    before = source.current()
    file.write_text("# a remark\n" + file.read_text())
    time.sleep(LOOK * 5)
    assert source.current() is before


def test_a_faulty_change_keeps_the_last_good_accounts_and_is_logged_once(
    source: AccountsSource, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Beat runs on, the operator is told, and the mended file is taken."""
    before = source.current()
    file.write_text(structure("a", "b").replace('"taobao"', '"ebay"'))
    assert eventually(lambda: source.current() is before and "gateways.tb.platform" in caplog.text)
    for _ in range(10):
        time.sleep(LOOK)
        assert source.current() is before
    faults = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(faults) == 1
    assert "the accounts of before stay in force" in faults[0].getMessage()
    file.write_text(structure("a", "b"))
    assert eventually(lambda: names(source) == {"a", "b"})


def test_a_file_that_vanishes_keeps_the_last_good_accounts(source: AccountsSource, file: Path) -> None:
    """And its coming back is noticed."""
    before = source.current()
    file.unlink()
    time.sleep(LOOK * 5)
    assert source.current() is before
    file.write_text(structure("b"))
    assert eventually(lambda: names(source) == {"b"})


def test_half_a_file_is_never_taken_for_all(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written slowly, each prefix of this one is right by itself; only the whole counts."""
    monkeypatch.setattr("tasks.accounts.origins.SETTLING_LOOKS", 1000)  # however long a busy machine writes at it
    source = AccountsSource(str(file), 0.3, {"TB": "x"})
    seen = {frozenset(names(source))}
    everything = frozenset(f"s{number}" for number in range(40))
    with file.open("w") as slow:
        slow.write(structure())
        for name in everything:
            slow.write(f'[accounts.{name}]\ngateway = "tb"\ngroup = "{name}"\n')
            slow.flush()
            time.sleep(0.02)
            seen.add(frozenset(names(source)))
    assert eventually(lambda: names(source) == everything)
    assert seen <= {frozenset("a"), everything}


def test_a_file_that_never_rests_is_read_all_the_same(source: AccountsSource, file: Path) -> None:
    """Something may write the same file over and over."""
    assert names(source) == {"a"}

    def rewritten() -> bool:
        file.write_text(structure("b"))
        return names(source) == {"b"}

    assert eventually(rewritten)


def test_a_secret_that_changes_in_its_file_is_noticed(file: Path) -> None:
    """A rotated secret reaches a running worker."""
    file.write_text(structure("a", secret="file:tb"))
    (file.parent / "tb").write_text("one")
    source = AccountsSource(str(file), LOOK)

    def secret() -> str:
        return str(source.current().gateways["tb"].model_dump()["app_secret"].get_secret_value())

    assert secret() == "one"
    (file.parent / "tb").write_text("two")
    assert eventually(lambda: secret() == "two")


def test_a_secrets_file_that_comes_late_is_noticed(file: Path) -> None:
    """A process that starts before its secrets are mounted gets them."""
    file.write_text(structure("a", secret="file:tb"))
    source = AccountsSource(str(file), LOOK)
    with pytest.raises(AccountsError, match="there is no such file"):
        source.current()
    (file.parent / "tb").write_text("one")
    assert eventually(lambda: _is_good(source))


def _is_good(source: AccountsSource) -> bool:
    try:
        source.current()
    except AccountsError:
        return False
    return True


def test_a_source_that_was_never_good_raises_and_recovers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each call says why; the log says it once."""
    source = AccountsSource(str(tmp_path / "accounts.toml"), LOOK, {"TB": "x"})
    for _ in range(5):
        with pytest.raises(AccountsError, match="there is no such file"):
            source.current()
    assert len(caplog.records) == 1
    (tmp_path / "accounts.toml").write_text(structure("a"))
    assert eventually(lambda: _is_good(source))


def test_a_file_is_looked_at_no_more_often_than_asked(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`current` is called for each message; a look costs a system call."""
    source = AccountsSource(str(file), 60, {"TB": "x"})
    source.current()
    looks: list[Path] = []
    monkeypatch.setattr(Path, "stat", lambda path, **_: looks.append(path))
    started = time.monotonic()
    for _ in range(10_000):
        source.current()
    assert looks == []
    assert time.monotonic() - started < 5


def test_a_function_is_called_again_thirty_times_less_often_than_a_file(module: Callable[[str], str]) -> None:
    """It may ask a database. What it returns is checked only when it is another structure."""
    name = module(
        "calls = []\n"
        "def go():\n"
        "    calls.append(1)\n"
        "    accounts = {'a': {'gateway': 'vv', 'shop_id': '1'}, 'b': {'gateway': 'vv', 'shop_id': '2'}}\n"
        "    if len(calls) < 3: del accounts['b']\n"
        "    return {'gateways': {'vv': {'platform': 'vvtool', 'token': 't'}}, 'accounts': accounts}\n"
    )
    source = AccountsSource(f"python:{name}:go", 0.01)
    started = time.monotonic()
    before = source.current()
    calls = sys.modules[name].calls
    assert eventually(lambda: source.current() is not before)
    assert len(calls) == 3
    assert time.monotonic() - started >= 2 * 30 * 0.01
    assert names(source) == {"a", "b"}


def test_a_function_that_returns_the_same_again_changes_nothing(module: Callable[[str], str]) -> None:
    """Also when it hands out classes of its own, so that the structures themselves cannot be compared."""
    name = module(
        "import types\n"
        "calls = []\n"
        "def go():\n"
        "    calls.append(1)\n"
        "    vv = types.MappingProxyType({'platform': 'vvtool', 'token': 't'})\n"
        "    return {'gateways': {'vv': vv}, 'accounts': {'a': {'gateway': 'vv', 'shop_id': '1'}}}\n"
    )
    source = AccountsSource(f"python:{name}:go", 0.0005)
    before = source.current()
    assert eventually(lambda: source.current() is before and len(sys.modules[name].calls) > 5)
    assert source.current() is before


def test_nobody_waits_while_one_thread_reads(module: Callable[[str], str]) -> None:
    """A slow database holds up one caller; the others get the accounts of before."""
    name = module(
        "import threading\n"
        "asked, answer = threading.Event(), threading.Event()\n"
        "calls = []\n"
        "def go():\n"
        "    calls.append(1)\n"
        "    if len(calls) > 1: asked.set(); answer.wait(30)\n"
        "    return {'gateways': {}, 'accounts': {}}\n"
    )
    source = AccountsSource(f"python:{name}:go", 0.0005)
    before = source.current()
    slow = threading.Thread(
        target=lambda: eventually(lambda: source.current() is None or sys.modules[name].asked.is_set())
    )
    slow.start()
    try:
        assert sys.modules[name].asked.wait(10)
        started = time.monotonic()
        assert source.current() is before
        assert time.monotonic() - started < 5
    finally:
        sys.modules[name].answer.set()
        slow.join(30)


def test_a_function_that_keeps_failing_is_logged_once(
    module: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    """And the accounts of before stay."""
    name = module(
        "calls = []\n"
        "def go():\n"
        "    calls.append(1)\n"
        f"    if len(calls) > 1: raise OSError('{SECRET}')\n"
        "    return {'gateways': {}, 'accounts': {}}\n"
    )
    source = AccountsSource(f"python:{name}:go", 0.0005)
    before = source.current()
    assert eventually(lambda: source.current() is before and len(sys.modules[name].calls) > 5)
    assert [record.levelname for record in caplog.records].count("ERROR") == 1
    assert SECRET not in caplog.text


def test_many_literal_secrets_are_warned_about_in_few_lines(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By place, never by value."""
    accounts = "".join(f'[accounts.a{n}]\ngateway = "tb"\ngroup = "g{n}"\nsession = "{SECRET}"\n' for n in range(50))
    source = AccountsSource(str(file), LOOK, {"TB": "x"})
    before = source.current()
    file.write_text(GATEWAY.format(secret="env:TB") + accounts)
    assert eventually(lambda: source.current() is not before)

    def warned() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]

    assert eventually(lambda: len(warned()) >= 11), "told in the background, once they are in force"
    warnings = warned()
    assert len(warnings) == 11
    assert "accounts.a0.session" in warnings[0]
    assert "40 more" in warnings[-1]
    assert SECRET not in caplog.text


def is_there(source: AccountsSource, expected: set[str]) -> bool:
    return names(source) == expected


def test_threads_share_one_source(source: AccountsSource, file: Path) -> None:
    """All get whole accounts, and nobody waits while one of them reads."""
    wrong: list[object] = []
    stop = threading.Event()

    def use() -> None:
        while not stop.is_set():
            try:
                accounts: Accounts = source.current()
                if not all(each.gateway is accounts.gateways["tb"] for each in accounts.accounts.values()):
                    wrong.append(accounts)
            except Exception as error:
                wrong.append(error)

    source.current()  # a first reading in the midst of the first change would find nothing to keep
    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in range(10):
            expected = {"a", f"b{number}"}
            file.write_text(structure(*expected))
            assert eventually(functools.partial(is_there, source, expected))
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
    assert wrong == []


def test_a_hundred_thousand_accounts_load_in_seconds(module: Callable[[str], str]) -> None:
    """About 1.5 s of CPU; how busy the machine is counts for nothing."""
    name = module(
        "def go():\n"
        "    shop = lambda n: {'gateway': 'vv', 'shop_id': str(n), 'poll': {'min': 1, 'max': 300}}\n"
        "    gateways = {'vv': {'platform': 'vvtool', 'token': 't'}}\n"
        "    return {'gateways': gateways, 'accounts': {f'shop-{n}': shop(n) for n in range(100_000)}}\n"
    )
    started = time.process_time()
    accounts = load(f"python:{name}:go")
    assert len(accounts.accounts) == 100_000
    assert time.process_time() - started < 10


def test_who_calls_no_platform_may_be_where_secrets_are_not(file: Path) -> None:
    file.write_text(structure("a"))
    beats = AccountsSource(str(file), 0, {})
    with pytest.raises(AccountsError, match="TB"):
        beats.current()
    beats.spare_secrets()
    assert [*beats.current().accounts] == ["a"]
    file.write_text(structure("a").replace("taobao", "nobody"))
    with pytest.raises(AccountsError, match="platform"):
        load(str(file), {"TB": "x"})


def test_a_secret_that_is_spared_and_there_is_seen_to_change(file: Path, tmp_path: Path) -> None:
    (tmp_path / "tb").write_text("first")
    file.write_text(structure("a").replace("env:TB", "file:tb"))
    beats = AccountsSource(str(file), 0)
    beats.spare_secrets()
    assert str(beats.current().gateways["tb"].app_secret.get_secret_value()) == "first"  # type: ignore[union-attr]


def test_a_secrets_file_in_a_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "tb").write_text("hunter2\n")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "accounts.toml").write_text(structure("a", secret="file:~/tb"))
    found = load(str(tmp_path / "etc" / "accounts.toml")).gateways["tb"].model_dump()["app_secret"]
    assert found.get_secret_value() == "hunter2"
