"""Handlers that installed packages bring by their entry points."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handlers import BadHandler, DuplicateTopic, HandlersError, NotLoaded
from handlers.loading import anything, load, packages
from handlers.registry import registry
from tests import ready
from tests.unit.handlers.loading.test_load import HANDLER, folder  # noqa: F401 - the fixture

Installs = Callable[..., None]

REGISTRY = """
from handlers import Registry
from handlers.resources import Resources
resources = Resources()
mine = Registry(resources)
closed = []

@resources.resource
def shelf():
    yield "shelf"
    closed.append(True)

@mine.handles("stock", tries=2)
def on_stock(content: dict, shelf: str) -> None:
    assert shelf == "shelf"
"""
WHO = r"^the entry point {name} = '{value}' of the package shop-orders 1\.2 \(group tidings\.handlers\): "


@pytest.fixture
def installs(folder: Path) -> Iterator[Installs]:  # noqa: F811
    """Installs a package with these entry points, as an installer leaves it: its modules, and a folder that tells of it."""

    def install(entry_points: str, **modules: str) -> None:
        about = folder / "shop_orders-1.2.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-orders\nVersion: 1.2\n")
        (about / "entry_points.txt").write_text(f"[tidings.handlers]\n{entry_points}\n")
        for name, source in modules.items():
            (folder / f"{name}.py").write_text(source)
        packages.installed.cache_clear()

    yield install
    packages.installed.cache_clear()


def test_a_module_that_a_package_names_is_enough(installs: Installs) -> None:
    assert not anything([""])
    installs("orders = shop_orders", shop_orders=HANDLER.format(topic="orders", name="on_order"))
    assert anything([""])
    assert load([""]) == ("shop_orders",)
    assert [handler.topic for handler in registry] == ["orders"]


def test_both_what_is_named_and_what_is_installed_are_loaded(installs: Installs) -> None:
    modules = {name: HANDLER.format(topic=name, name=name) for name in ("mine", "theirs")}
    installs("orders = theirs", **modules)
    assert load(["mine"]) == ("mine", "theirs")
    assert {handler.topic for handler in registry} == {"mine", "theirs"}


def test_a_registry_that_a_package_names_brings_its_handlers_and_their_resources(installs: Installs) -> None:
    installs("stock = shop_stock : mine", shop_stock=REGISTRY)
    assert load([]) == ("shop_stock",)
    (handler,) = registry
    assert (handler.topic, handler.options.tries) == ("stock", 2)
    module = sys.modules["shop_stock"]
    assert module.resources.value("shelf") == "shelf"
    registry.resources.close()
    assert module.closed == [True]


def test_an_object_that_is_no_registry_needs_only_its_module(installs: Installs) -> None:
    installs("orders = shop_orders:name", shop_orders=HANDLER.format(topic="orders", name="name"))
    load([])
    assert [handler.topic for handler in registry] == ["orders"]


@pytest.mark.parametrize(
    ("value", "source", "kind", "said"),
    [
        ("nowhere", "", NotLoaded, "there is no module 'nowhere'; install the package anew"),
        ("shop_orders.more", "", NotLoaded, "there is no module 'shop_orders.more'"),
        ("shop_orders:gone", "", NotLoaded, "the module shop_orders has no gone$"),
        ("shop orders", "", NotLoaded, "it names no module"),
        ("shop_orders", "raise SystemExit('no')", NotLoaded, "importing shop_orders raised SystemExit at .*: no$"),
        ("shop_orders", "import nowhere", NotLoaded, "importing shop_orders failed, as it imports 'nowhere'"),
        ("shop_orders", HANDLER.format(topic="", name="x"), BadHandler, r".*shop_orders\.py:2: '' is no topic"),
        ("shop_orders", HANDLER.format(topic="t", name="x") * 2, DuplicateTopic, "two handlers for 't'"),
    ],
)
def test_whatever_is_wrong_names_the_package(
    installs: Installs, value: str, source: str, kind: type[HandlersError], said: str
) -> None:
    installs(f"orders = {value}", shop_orders=source)
    with pytest.raises(kind, match=WHO.format(name="orders", value=value) + said):
        load([])


def test_packages_without_any_handler_are_told(installs: Installs) -> None:
    installs("orders = shop_orders", shop_orders="")
    with pytest.raises(NotLoaded, match=r"shop-orders 1\.2 .* registers no handler"):
        load([])


def test_a_worker_lists_what_an_installed_package_brings(installs: Installs, folder: Path) -> None:  # noqa: F811
    installs("orders = shop_orders", shop_orders=HANDLER.format(topic="orders", name="on_order"))
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), "TIDINGS_REDIS_URL": "redis://127.0.0.1:1/0"}
    argv = ["-m", "celery", "-A", "tasks", "handlers", "--json"]
    done = ready.run(argv, folder, env)
    assert '"topic": "orders"' in done.stdout, done.stderr
