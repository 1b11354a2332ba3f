"""Where an error is said to come from, and that nothing of what it says is told there."""

import importlib
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from handlers import Reject, Retry
from tasks.handling.place import place, reason, text

SAID = "Zhang San 13800000000"

SHOP = f"""
import asyncio
import json
from handlers import Retry, Reject

def on_paid(content):
    return json.loads("{SAID}")

def here(content):
    raise KeyError("{SAID}")

def deeper(content):
    return here(content)

def from_c(content):
    return int("{SAID}")

def wrapped(content):
    try:
        here(content)
    except KeyError as error:
        raise Retry("stock is busy") from error

def rejected(content):
    raise Reject("paid, but not how much")

async def both(content):
    async with asyncio.TaskGroup() as group:
        group.create_task(one(content))

async def one(content):
    here(content)

def in_tasks(content):
    asyncio.run(both(content))

def several(content):
    try:
        here(content)
    except KeyError as error:
        raise ExceptionGroup("{SAID}", [ExceptionGroup("inner", [error, OSError()]), ValueError("{SAID}"), OSError()])

def recursive(content):
    return recursive(content)

def in_exec(content):
    exec("1 / 0", {{}})
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], ModuleType]]:
    """Makes a module of the user's with this source, at this path below a folder of its own."""
    made: list[str] = []

    def make(path: str, source: str = SHOP) -> ModuleType:
        top, _, inner = path.rpartition("//")
        where = tmp_path / top
        (where / inner).parent.mkdir(parents=True, exist_ok=True)
        (where / inner).write_text(source)
        monkeypatch.syspath_prepend(str(where))
        name = inner.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        made.append(name.partition(".")[0])
        return importlib.import_module(name)

    yield make
    for name in [name for name in sys.modules if name.partition(".")[0] in made]:
        del sys.modules[name]


def raised(function: Callable[[dict[str, int]], object]) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - whatever it raises
        function({})
    caught.value.__traceback__ = (
        caught.value.__traceback__ and caught.value.__traceback__.tb_next
    )  # not this test's frame
    return caught.value


def line(module: ModuleType, words: str) -> int:
    assert module.__file__
    lines = Path(module.__file__).read_text().splitlines()
    return next(number for number, text in enumerate(lines, 1) if words in text)


@pytest.mark.parametrize("path", ["shop.py", "site-packages//shop.py", "a/b/site-packages//shop.py"])
def test_the_deepest_frame_of_the_users_own_module_is_named_as_well(
    module: Callable[..., ModuleType], path: str
) -> None:
    shop = module(path)
    told = place(raised(shop.on_paid), shop.on_paid)
    assert re.match(r"JSONDecodeError at json/decoder\.py:\d+, called at shop\.py:", told)
    assert told.endswith(f"shop.py:{line(shop, 'return json.loads')} in on_paid")


def test_what_is_raised_in_the_users_own_code_is_named_once(module: Callable[..., ModuleType]) -> None:
    shop = module("shop.py")
    where = f"KeyError at shop.py:{line(shop, 'raise KeyError')} in here"
    assert place(raised(shop.here), shop.here) == where
    assert place(raised(shop.deeper), shop.deeper) == where
    assert place(raised(shop.from_c), shop.from_c).startswith("ValueError at shop.py:")


def test_of_a_group_the_first_of_its_errors_is_told(module: Callable[..., ModuleType]) -> None:
    """The group's own place is that of the end of an `async with`; what it says is nobody's to log."""
    shop = module("shop.py")
    where = f"KeyError at shop.py:{line(shop, 'raise KeyError')} in here"
    told = place(raised(shop.in_tasks), shop.in_tasks)
    assert re.match(r"ExceptionGroup at asyncio/taskgroups\.py:\d+, called at shop\.py:\d+ in both, of KeyError", told)
    assert told.endswith(f", of {where}")
    told = place(raised(shop.several), shop.several)
    assert told == f"ExceptionGroup at shop.py:{line(shop, 'raise ExceptionGroup')} in several, of {where} and 2 more"


def test_other_modules_of_the_handlers_package_are_its_own_and_other_packages_are_not(
    module: Callable[..., ModuleType],
) -> None:
    module("site-packages//library.py", "def fail(): raise OSError\n")
    module("site-packages//app/__init__.py", "")
    module("site-packages//app/stock.py", "import library\ndef reserve():\n    library.fail()\n")
    orders = module(
        "site-packages//app/orders.py", "from app.stock import reserve\ndef on_paid(content):\n    reserve()\n"
    )
    told = place(raised(orders.on_paid), orders.on_paid)
    assert told == "OSError at library.py:1, called at app/stock.py:3 in reserve"


def test_what_is_no_part_of_an_installation_is_the_users_too(module: Callable[..., ModuleType]) -> None:
    module("lib/stock.py", "def reserve(): raise OSError\n")
    module("lib//stock.py", "def reserve(): raise OSError\n")
    shop = module("shop.py", "from stock import reserve\ndef on_paid(content):\n    reserve()\n")
    assert place(raised(shop.on_paid), shop.on_paid) == "OSError at stock.py:1 in reserve"


def test_a_package_is_named_with_its_folder(module: Callable[..., ModuleType]) -> None:
    shop = module("myshop/__init__.py", "def on_paid(content):\n    raise KeyError\n")
    assert place(raised(shop.on_paid), shop.on_paid) == "KeyError at myshop/__init__.py:2 in on_paid"


def test_a_module_in_an_archive_is_named_as_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "shop.zip", "w") as archive:
        archive.writestr("zipped.py", "def on_paid(content):\n    raise KeyError\n")
    monkeypatch.syspath_prepend(str(tmp_path / "shop.zip"))
    zipped = importlib.import_module("zipped")
    assert place(raised(zipped.on_paid), zipped.on_paid) == "KeyError at zipped.py:2 in on_paid"


def test_what_a_handler_caught_stands_behind_the_retry_that_it_made_of_it(module: Callable[..., ModuleType]) -> None:
    shop = module("shop.py")
    error = raised(shop.wrapped)
    told = place(error, shop.wrapped)
    assert told.startswith("Retry at shop.py:")
    assert ", after KeyError at shop.py:" in told
    assert reason(error) == "stock is busy"


def test_reasons_are_for_retry_and_reject_only(module: Callable[..., ModuleType]) -> None:
    shop = module("shop.py")
    assert reason(raised(shop.rejected)) == "paid, but not how much"
    assert reason(raised(shop.here)) == ""
    assert reason(Retry()) == reason(Reject()) == ""


def test_what_to_write_in_place_of_a_misused_retry_is_a_reason_too(module: Callable[..., ModuleType]) -> None:
    shop = module("shop.py", "from handlers import Retry\n\ndef on_paid(content):\n    raise Retry(5)\n")
    error = raised(shop.on_paid)
    assert place(error, shop.on_paid).endswith("called at shop.py:4 in on_paid")
    assert "write Retry(delay=5)" in reason(error)


@pytest.mark.parametrize("error", [KeyError(SAID), SystemExit(3), KeyboardInterrupt()])
def test_an_error_without_a_traceback_is_told_by_its_kind(error: BaseException) -> None:
    assert place(error) == type(error).__name__
    group = BaseExceptionGroup(SAID, [error])
    assert place(group) == f"{type(group).__name__}, of {type(error).__name__}"


def test_a_time_limit_names_where_the_handler_was(module: Callable[..., ModuleType]) -> None:
    assert place(SoftTimeLimitExceeded(60)) == "it took longer than its time limit"
    source = (
        "from celery.exceptions import SoftTimeLimitExceeded\ndef on_paid(content):\n    raise SoftTimeLimitExceeded\n"
    )
    shop = module("shop.py", source)
    told = place(raised(shop.on_paid), shop.on_paid)
    assert told == "it took longer than its time limit, at shop.py:3 in on_paid"


def test_chains_that_come_round_and_recursion_are_no_trouble(module: Callable[..., ModuleType]) -> None:
    shop = module("shop.py")
    error = Retry("again")
    other = KeyError(SAID)
    error.__cause__, other.__cause__ = other, error
    assert place(error) == "Retry, after KeyError"
    error.__cause__ = error
    assert place(error) == "Retry"
    assert place(raised(shop.recursive), shop.recursive).startswith("RecursionError at shop.py:")


def test_code_without_a_file_is_named_and_not_taken_for_the_users(module: Callable[..., ModuleType]) -> None:
    shop = module("shop.py")
    told = place(raised(shop.in_exec), shop.in_exec)
    assert told.startswith("ZeroDivisionError at <string>:1, called at shop.py:")
    assert place(raised(lambda _: importlib.import_module("no.such.module"))).startswith("ModuleNotFoundError at ")


def test_hostile_names_are_escaped() -> None:
    hostile = type("Bad\x1b[2J\n", (Exception,), {})
    assert place(hostile(SAID)) == r"Bad\x1b[2J\n"


def test_a_text_is_one_line_and_not_long_and_may_fail() -> None:
    class Sour(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert text(ValueError("a\n  b\tc")) == "a b c"
    assert text(ValueError("x" * 10_000)) == "x" * 499 + "…"
    assert text(Sour()) == ""


@pytest.mark.parametrize("name", ["on_paid", "here", "deeper", "from_c", "wrapped", "rejected", "in_exec"])
def test_nothing_of_what_an_error_says_is_in_its_place(module: Callable[..., ModuleType], name: str) -> None:
    shop = module("shop.py")
    assert SAID not in place(raised(getattr(shop, name)), getattr(shop, name))
