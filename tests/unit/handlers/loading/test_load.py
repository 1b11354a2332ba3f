"""Importing the modules that hold handlers: what is found, and what is said when it is not."""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers import BadHandler, BadResource, DuplicateTopic, HandlersError, Message, NotLoaded
from handlers.declaring.methods import Methods
from handlers.loading import load
from handlers.loading.aside import aside
from handlers.registry import registry

HANDLER = "from handlers import handles\n@handles('{topic}')\ndef {name}(content: dict) -> None: ...\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path; what is imported from it, and what that registers, is forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "_handlers", {})
    monkeypatch.setattr(registry, "_found", {})
    monkeypatch.setattr(registry, "methods", Methods())
    monkeypatch.setattr(registry.resources, "_known", dict(registry.resources._known))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        known = sys.modules[name]
        if str(tmp_path) in f"{getattr(known, '__file__', None)} {getattr(known, '__path__', None)}":
            del sys.modules[name]


def said(*names: str) -> str:
    with pytest.raises(NotLoaded) as caught:
        load(names)
    return str(caught.value)


def python(program: str, path: Path | None = None) -> str:
    """What a fresh process prints."""
    run = [sys.executable, "-c", program]
    return subprocess.run(run, capture_output=True, text=True, check=True, cwd=path, timeout=60).stdout.strip()


def test_a_module_and_everything_in_a_package_is_imported(folder: Path) -> None:
    """A file dropped into a package of handlers is found, however deep; a `__main__` is not run."""
    (folder / "one.py").write_text(HANDLER.format(topic="one", name="one"))
    (folder / "many" / "deep").mkdir(parents=True)
    (folder / "many" / "__init__.py").write_text("")
    (folder / "many" / "__main__.py").write_text("raise SystemExit(1)")
    (folder / "many" / "a.py").write_text(HANDLER.format(topic="a", name="a"))
    (folder / "many" / "deep" / "__init__.py").write_text(HANDLER.format(topic="deep", name="deep"))
    (folder / "many" / "deep" / "b.py").write_text(HANDLER.format(topic="b", name="b"))
    assert load([" one ", "", "many"]) == ("one", "many", "many.a", "many.deep", "many.deep.b")
    assert {handler.topic for handler in registry} == {"one", "a", "deep", "b"}
    assert load(["one"]) == ("one",)


def test_no_module_at_all_is_an_error(folder: Path) -> None:
    """Every message would be confirmed unread."""
    assert "TIDINGS_HANDLERS names no module" in said()
    assert "`handlers` for those that ship" in said("", " ")


def test_modules_that_register_nothing_are_an_error(folder: Path) -> None:
    """A forgotten decorator, or handlers in a module that nobody imports: every message would be confirmed unread."""
    (folder / "bare.py").write_text("def on_paid(content: dict) -> None: ...")
    (folder / "one.py").write_text(HANDLER.format(topic="one", name="one"))
    assert "bare, which TIDINGS_HANDLERS names, registers no handler" in said("bare")
    assert load(["bare", "one"]) == ("bare", "one")


@pytest.mark.parametrize("name", ["./shop", "shop/orders", "shop:on_paid", "shop;other", "shop.py"])
def test_a_file_in_the_place_of_a_module_is_told_how_it_is_written(folder: Path, name: str) -> None:
    (folder / "shop.py").write_text(HANDLER.format(topic="one", name="one"))
    assert "shop for a shop.py" in said(name)


def test_a_module_that_is_not_there_is_told_from_one_that_it_imports(folder: Path) -> None:
    """The first is a slip in TIDINGS_HANDLERS, the second in the user's own file."""
    (folder / "broken.py").write_text("\nimport nowhere_to_be_found\n")
    assert "there is no module 'shop_of_mine'; TIDINGS_HANDLERS" in said("shop_of_mine.handlers")
    inside = said("broken")
    assert "importing broken failed, as it imports 'nowhere_to_be_found', which is not there" in inside
    assert f"{folder / 'broken.py'}:2" in inside


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def go(:", "importing broken raised SyntaxError"),
        ("\n1 / 0", "importing broken raised ZeroDivisionError"),
        ("raise SystemExit(3)", "importing broken raised SystemExit"),
        ("raise KeyboardInterrupt", "importing broken raised KeyboardInterrupt"),
        ("class Own(BaseException):\n    __str__ = None\nraise Own", "importing broken raised Own at"),
        ("from handlers import Nothing", "importing broken raised ImportError"),
    ],
)
def test_a_module_that_cannot_be_run_says_where_it_broke(folder: Path, text: str, expected: str) -> None:
    """With its file."""
    (folder / "broken.py").write_text(text)
    assert expected in said("broken")
    assert "broken.py" in said("broken")


@pytest.mark.parametrize("name", ["..", ".x", "a b", "7", "x" * 5000, "handlers.", "a\0b"])
def test_a_name_that_is_no_module_is_an_error(folder: Path, name: str) -> None:
    """Whatever stands in the environment."""
    assert said(name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("json", HANDLER.format(topic="own", name="own")),
        ("handlers", HANDLER.format(topic="own", name="own")),
        ("typing_extensions", ""),
        ("sys", ""),
    ],
)
def test_a_module_of_the_current_folder_that_another_hides_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    """Or somebody else's module would be asked for handlers, find none, and every message be confirmed."""
    monkeypatch.chdir(folder)
    (folder / f"{name}.py").write_text(text)
    hidden = said(name)
    assert f"`{name}` is " in hidden
    assert f", which hides your {folder / name}.py: give yours another name" in hidden


@pytest.mark.parametrize("init", [True, False])
@pytest.mark.parametrize("top", ["handlers", "tasks", "json"])
def test_a_module_in_a_folder_that_another_package_hides_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, top: str, init: bool
) -> None:
    """`handlers/orders.py` is a natural place for handlers."""
    monkeypatch.chdir(folder)
    (folder / top).mkdir()
    file = folder / top / "orders.py"
    file.write_text(HANDLER.format(topic="own", name="own"))
    if init:
        file = folder / top / "__init__.py"
        file.write_text("")
    importlib.import_module(top)
    told = said(f"{top}.orders")
    assert f"`{top}` is " in told
    assert f", which hides your {file}: give yours another name, and write that into TIDINGS_HANDLERS" in told


def test_a_folder_without_init_hides_nothing_and_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it was imported before."""
    monkeypatch.chdir(folder)
    (folder / "plain").mkdir()
    (folder / "plain" / "orders.py").write_text(HANDLER.format(topic="own", name="own"))
    assert load(["plain.orders"]) == ("plain.orders",)
    assert load(["plain.orders"]) == ("plain.orders",)


@pytest.mark.parametrize("inits", [(), (".",), (".", "plain/deep")])
def test_handlers_in_a_folder_that_a_package_passes_over_are_told(folder: Path, inits: tuple[str, ...]) -> None:
    """Their messages would be confirmed as nobody's, although the others of the package are handled."""
    inside = folder / "shop" / "plain" / "deep"
    inside.mkdir(parents=True)
    for each in inits:
        (folder / "shop" / each / "__init__.py").write_text("")
    (folder / "shop" / "a.py").write_text(HANDLER.format(topic="a", name="a"))
    (inside / "b.py").write_text(HANDLER.format(topic="b", name="b"))
    told = said("shop")
    assert told.startswith(
        f"{inside / 'b.py'} has handlers, and is not imported with shop, as {inside.parent} has no __init__.py"
    )


def test_what_else_is_in_a_folder_of_a_package_is_nobodys_concern(folder: Path) -> None:
    """What something imports from it, tests, and files that are no modules of handlers."""
    tests, plain = folder / "shop" / "tests", folder / "shop" / "plain"
    for each in (tests, plain):
        each.mkdir(parents=True)
    (folder / "shop" / "__init__.py").write_text("from . import z")
    (folder / "shop" / "z.py").write_text("import shop.plain.b")
    (plain / "b.py").write_text(HANDLER.format(topic="b", name="b"))
    (plain / "script.py").write_text("from handlers import handles\nraise SystemExit(1)\n")
    (tests / "test_b.py").write_text("def test_b():\n    @handles('t')\n    def one(content): ...\n")
    assert load(["shop"]) == ("shop", "shop.z")
    assert {handler.topic for handler in registry} == {"b"}


@pytest.mark.parametrize("text", ["from json import mine", "import json.mine", "import json\njson.mine()"])
def test_what_is_looked_for_in_a_module_that_hides_another_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """The riddle is the name, not the line."""
    monkeypatch.chdir(folder)
    (folder / "json.py").write_text("def mine(): ...")
    (folder / "mine.py").write_text(text)
    assert f"which hides your {folder / 'json.py'}" in said("mine")
    (folder / "json.py").unlink()
    assert "hides" not in said("mine")


def test_what_is_wrong_with_a_handler_comes_out_as_it_is(folder: Path) -> None:
    """A double topic, a bad signature, an annotation that is defined nowhere."""
    (folder / "one.py").write_text(HANDLER.format(topic="same", name="one"))
    (folder / "two.py").write_text(HANDLER.format(topic="same", name="two"))
    (folder / "odd.py").write_text("from handlers import handles\n@handles('x')\ndef odd() -> None: ...\n")
    (folder / "lost.py").write_text("from handlers import handles\n@handles('y')\ndef lost(a: 'Gone') -> None: ...\n")
    with pytest.raises(DuplicateTopic, match=r"(?s)one\.py:2.*two\.py:2"):
        load(["one", "two"])
    with pytest.raises(BadHandler, match=r"odd\.py:2: odd has no parameters"):
        load(["odd"])
    with pytest.raises(BadHandler, match=r"lost\.py:2: lost has an annotation that names Gone"):
        load(["lost"])


WRONG = {
    "handles('x', timeout='10')(lambda content: None)": "timeout='10': write seconds, more than 0",
    "handles(' ')": "' ' is no topic",
    "handles('a, b')": '\'a, b\' is no topic but several: write @handles("a", "b")',
    "handles('x')(functools.cache(print))": "print is no plain function but _lru_cache_wrapper; write",
    "resource(object)": "object is no plain function but type; write",
    "around(print)": "print is no plain function but builtin_function_or_method; write",
    "register(object())": "object has no method that is a handler",
    "handles('x')(lambda *content: None)": "<lambda> takes *content",
}


@pytest.mark.parametrize("line", WRONG)
def test_what_is_wrong_with_a_handler_names_the_line_once(folder: Path, line: str) -> None:
    """Also where it is found before there is a function to name, in a module that another one imports."""
    (folder / "shop.py").write_text("import wrong\n")
    (folder / "wrong.py").write_text(
        f"import functools\nfrom handlers import around, handles, register, resource\n{line}\n"
    )
    with pytest.raises(HandlersError) as caught:
        load(["shop"])
    assert str(caught.value).startswith(f"{folder / 'wrong.py'}:3: {WRONG[line]}")


MAKES = """
from handlers import around, handles, register
def to(topic, url):
    @handles(topic)
    def post(content): seen.append(url)
def guard(name):
    @around
    def only(message):
        seen.append(name)
        yield
def shop(topic):
    class Shop:
        @handles(topic)
        def on(self, content): seen.append(topic)
    return Shop
seen = []
"""


def test_what_a_function_of_a_module_makes_twice_is_both(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two guards, two classes with other topics."""
    monkeypatch.setattr(registry, "_arounds", {})
    made = "guard('one')\nguard('two')\nA, B = shop('a'), shop('b')\nregister(A())\nregister(B())\n"
    (folder / "makes.py").write_text(MAKES + made)
    load(["makes"])
    for topic in "ab":
        handler = registry.find(topic)
        assert handler is not None
        handler.call(Message(id="7", topic=topic, account="a", platform="taobao", content="{}"))
    assert sys.modules["makes"].seen == ["one", "two", "a", "one", "two", "b"]


def test_a_topic_that_a_function_of_a_module_gives_to_two_handlers_is_told(folder: Path) -> None:
    """The second would take the place of the first without a word."""
    (folder / "makes.py").write_text(f"{MAKES}to('a', 'http://one')\nto('a', 'http://two')\n")
    with pytest.raises(
        DuplicateTopic,
        match=r"two handlers for 'a': post at .*makes\.py:4, of two objects or made by two calls; keep one",
    ):
        load(["makes"])


def test_what_could_never_be_called_is_told_when_everything_is_imported(folder: Path) -> None:
    """A resource may stand in a module that is imported later. One that is nowhere is told, and a class without an object too."""
    (folder / "shop.py").write_text(
        "from handlers import handles\n@handles('x')\ndef on_x(a: str, engine) -> None: ...\n"
    )
    (folder / "later.py").write_text(
        "from handlers import resource\n@resource\ndef engine(pool): ...\n@resource\ndef pool(): ...\n"
    )
    (folder / "orders.py").write_text(
        "from handlers import handles\nclass Orders:\n    @handles('y')\n    def on_y(self, a: str) -> None: ...\n"
    )
    with pytest.raises(BadResource, match=r"handler on_x at .*shop\.py:2 asks for engine"):
        load(["shop"])
    load(["shop", "later"])
    with pytest.raises(
        BadHandler, match=r"Orders\.on_y at .*orders\.py:3 is a method, and no object of Orders was registered"
    ):
        load(["orders"])


def test_importing_the_package_or_a_payload_registers_nothing() -> None:
    """Only loading the package does; and it knows nothing of Celery, nor of the tasks."""
    program = (
        "import sys, handlers, handlers.trade, handlers.topics\n"
        "from handlers.registry import registry\n"
        "before = len(list(registry))\n"
        "from handlers.loading import load\n"
        "load(['handlers'])\n"
        "names = {name.partition('.')[0] for name in sys.modules}\n"
        "print(before, len(list(registry)) > 0, names & {'celery', 'kombu', 'tasks', 'redis', 'requests'})\n"
    )
    assert python(program) == "0 True set()"


OWN = """
from handlers import Registry
mine = Registry()
@mine.handles('t')
def f(c: dict): ...
@mine.handles('u')
def g(c: dict): ...
"""


def test_handlers_of_a_registry_that_nobody_looks_into_are_told_of_once(folder: Path) -> None:
    (folder / "one.py").write_text(HANDLER.format(topic="one", name="one"))
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").write_text("")
    (folder / "shop" / "orders.py").write_text(OWN)
    (folder / "shop" / "other.py").write_text("from shop.orders import mine")
    load(["one", "shop"])
    (told,) = aside(["one", "shop"])
    assert told.startswith("shop.orders.mine is a Registry of its own, which nobody looks into: f at ")
    assert "orders.py:4 and 1 more will not be called; write `from handlers import handles`, or" in told
    registry.include(sys.modules["shop.orders"].mine)
    assert not list(aside(["one", "shop"]))


F = "('t')\ndef f(c: dict): ..."
NAMELESS = [
    "handles = Registry().handles\n@handles" + F,
    "on_t = Registry().handles('t')\n@on_t\ndef f(c: dict): ...",
    "@Registry().handles" + F,
    "mine = {'orders': Registry()}\n@mine['orders'].handles" + F,
    "class Orders:\n    registry = Registry()\n@Orders.registry.handles" + F,
    "from functools import partial\nhandles = partial(Registry().handles, queue='slow')\n@handles" + F,
    "def f(c: dict): ...\nRegistry().handles('t')(f)",
    "@Registry().around\ndef f(message):\n    yield",
]


@pytest.mark.parametrize("text", NAMELESS)
def test_a_registry_that_nobody_holds_by_a_name_is_told_of_by_what_it_has_taken(folder: Path, text: str) -> None:
    (folder / "one.py").write_text(HANDLER.format(topic="one", name="one"))
    (folder / "shop.py").write_text(f"from handlers import Registry\n{text}\n")
    load(["one", "shop"])
    (told,) = aside(["one", "shop"])
    assert told.startswith("shop has a Registry of its own, which nobody looks into: f at ")
    assert told.endswith(
        "will not be called; write `from handlers import around, handles`, or give it a name and "
        "`handlers.registry.registry.include(name)` below it"
    )
    assert not list(aside(["one"]))


def test_what_a_registry_takes_after_it_was_included_is_told_of(folder: Path) -> None:
    (folder / "shop.py").write_text(
        OWN.replace(
            "@mine.handles('u')", "from handlers.registry import registry\nregistry.include(mine)\n@mine.handles('u')"
        )
    )
    load(["shop"])
    (told,) = aside(["shop"])
    assert told.startswith("shop.mine is a Registry of its own, which nobody looks into: g at ")


def test_methods_and_arounds_of_a_registry_that_was_included_are_none_of_them(folder: Path) -> None:
    (folder / "shop.py").write_text(
        "from handlers import Registry\nfrom handlers.registry import registry\nclass Orders:\n"
        "    def __init__(self):\n        own = Registry()\n        own.handles('m')(self.on_m)\n        own.around(a)\n"
        "        own.handles('t')(f)\n        registry.include(own)\n    def on_m(self, c: dict): ...\n"
        "def f(c: dict): ...\ndef a(message):\n    yield\nOrders()\n"
    )
    load(["shop"])
    assert not list(aside(["shop"]))


def test_a_module_with_such_a_registry_alone_is_refused_with_what_to_write(folder: Path) -> None:
    (folder / "shop.py").write_text(OWN)
    assert said("shop").startswith("shop.mine is a Registry of its own")


def test_a_text_that_is_no_python_is_told_with_its_file_and_line(folder: Path) -> None:
    (folder / "many").mkdir()
    (folder / "many" / "__init__.py").write_text("")
    (folder / "many" / "orders.py").write_text("x = 1\ndef go(:\n")
    assert said("many") == f"importing many.orders raised SyntaxError at {folder}/many/orders.py:2: invalid syntax"
    (folder / "many" / "orders.py").write_text("\0")
    assert said("many").startswith("importing many.orders raised SyntaxError: ")


def test_an_error_that_says_nothing_leaves_nothing_behind_it(folder: Path) -> None:
    (folder / "mute.py").write_text("raise KeyboardInterrupt")
    assert said("mute") == f"importing mute raised KeyboardInterrupt at {folder}/mute.py:1"


def test_a_module_that_breaks_whoever_looks_into_it_says_where(folder: Path) -> None:
    (folder / "broken.py").write_text(
        "def __getattr__(name):\n    1 / (name != '__path__')\n    raise AttributeError\n"
    )
    told = said("broken")
    del sys.modules["broken"]
    assert told == f"importing broken raised ZeroDivisionError at {folder}/broken.py:2: division by zero"


def test_a_module_has_no_say_in_how_this_process_learns_of_its_childrens_end(folder: Path) -> None:
    (folder / "one.py").write_text(
        "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n" + HANDLER.format(topic="one", name="one")
    )
    load(["one"])
    assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL
    assert subprocess.run([sys.executable, "-c", "raise SystemExit(3)"], check=False, timeout=60).returncode == 3


@pytest.mark.parametrize(("code", "ends"), [(0, 1), (3, 3)])
def test_a_module_that_ends_its_process_is_told_and_has_failed(folder: Path, code: int, ends: int) -> None:
    (folder / "one.py").write_text(f"import os\nfrom os import _exit\nos._exit({code})\n")
    program = [sys.executable, "-c", "from handlers.loading import load; load(['one'])"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), os.getcwd()])}  # noqa: PTH109
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60, env=env)
    assert done.returncode == ends
    assert f"{folder}/one.py:3 calls os._exit({code}) while it is imported for handlers" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_fork_of_a_module_and_what_is_loaded_already_end_as_they_say(folder: Path) -> None:
    before = os._exit
    forks = (
        "import os\nfrom os import _exit\npid = os.fork()\nif pid == 0: os._exit(0)\nstatus = os.waitpid(pid, 0)[1]\n"
    )
    (folder / "one.py").write_text(forks + HANDLER.format(topic="t", name="one"))
    load(["one"])
    assert importlib.import_module("one").status == 0
    assert os._exit is before
    if (child := os.fork()) == 0:
        importlib.import_module("one")._exit(0)
    assert os.waitpid(child, 0)[1] == 0
