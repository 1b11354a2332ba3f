"""Tidings inside the test's own process: its settings point at the embedded Valkey and at an accounts file of the test's."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from handlers import Registry
from tasks import accounts, app, handle, runtime, settings
from tasks.handling import ahead, asked, handle_task, unhandled
from tasks.plumbing import visibility
from tasks.runtime import Stores
from tasks.store import connection

CACHES = (
    settings.settings,
    connection.connect,
    runtime.stores,
    runtime.accounts_source,
    runtime.accounts_without_secrets,
    runtime.registry,
    visibility.visibility,
)

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
lease_seconds = 20
[gateways.vv]
platform = "vvtool"
token = "env:TB_SECRET"
lease_seconds = 20
[accounts.shop]
gateway = "tb"
[accounts.vshop]
gateway = "vv"
shop_id = "123"
"""


@pytest.fixture(autouse=True)
def tasks_stay() -> Iterator[None]:
    """The way of tasks through a worker that a test has changed, as a worker that is set up does, ends with it."""
    app.loader.import_default_modules()
    before = [(task, task.Request, task.Strategy) for task in app.tasks.values()]
    yield
    for task, request, strategy in before:
        task.Request, task.Strategy = request, strategy


@pytest.fixture(autouse=True)
def logging_stays() -> Iterator[None]:
    """What a worker in the test's own process does to the loggers ends with the test."""
    before = {logger: (logger.level, logger.propagate, list(logger.handlers)) for logger in loggers()}
    yield
    for logger in loggers():
        level, logger.propagate, logger.handlers = before.get(logger, (logging.NOTSET, True, logger.handlers))
        logger.setLevel(level)


def loggers() -> list[logging.Logger]:
    """Every logger that there is."""
    known = logging.root.manager.loggerDict.values()
    return [logging.root, *(logger for logger in known if isinstance(logger, logging.Logger))]


@pytest.fixture
def tidings(valkey: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    """The stores that the product's own code uses here and now, all empty."""
    (tmp_path / "accounts.toml").write_text(ACCOUNTS)
    monkeypatch.setenv("TIDINGS_ACCOUNTS", str(tmp_path / "accounts.toml"))
    monkeypatch.setenv("TIDINGS_REDIS_URL", valkey)
    monkeypatch.setenv("TIDINGS_HANDLERS", "handlers")
    monkeypatch.setenv("TB_SECRET", "helloworld")
    for cached in CACHES:
        cached.cache_clear()
    yield runtime.stores()
    for cached in CACHES:
        cached.cache_clear()


@pytest.fixture
def account(tidings: Stores) -> accounts.Account:
    """A taobao account."""
    return runtime.accounts().accounts["shop"]


@pytest.fixture
def vshop(tidings: Stores) -> accounts.Account:
    """A vvtool account."""
    return runtime.accounts().accounts["vshop"]


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Registry]:
    """Makes a function the handler of every topic, or of the topic given."""
    registry = Registry()
    for module in (handle, handle_task, unhandled, asked, ahead):
        monkeypatch.setattr(module, "registry", lambda: registry)

    def register(function: Callable[..., object], topic: str = "*", **options: Any) -> Registry:
        registry.handles(topic, **options)(function)
        return registry

    return register
