"""pytest's fixtures for handlers' tests:

    tidings         delivers messages to the handlers of this process: neither Redis nor a platform is needed
    tidings_shop    a whole run: simulated platforms, Valkey, worker and beat as processes
    sandbox         the simulated platforms alone, empty at the start of each test
    sandbox_server  the process of the latter, one for the whole test session

pytest loads this in every run where Tidings is installed, also in those of projects with a `tasks` of their own: hence the
imports inside.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from tidings_cli.ours import own

if TYPE_CHECKING:
    from tasks.sandbox.control import Control
    from tasks.testing.deliveries import Tidings
    from tasks.testing.shop import TidingsShop


@pytest.fixture(scope="session")
def sandbox_server() -> "Iterator[Control]":
    """The one sandbox process of the test session, started when a test first asks for it."""
    own("tasks")
    with import_module("tasks.sandbox.process").running() as control:
        yield control


@pytest.fixture
def sandbox(sandbox_server: "Control") -> "Control":
    """A `Control` on a freshly reset sandbox; `sandbox.url` is its address."""
    sandbox_server.reset()
    return sandbox_server


@pytest.fixture
def tidings() -> "Iterator[Tidings]":
    """A `Tidings`: `tidings.deliver(topic, content)` hands a message to its handler and tells what became of it.

    Handlers are those of the modules that the test has imported or TIDINGS_HANDLERS names; those that the test's own functions
    register end with it. Resources are made for each test anew, and closed at its end.
    """
    own("tasks")
    through = (pytest.fail.Exception, pytest.skip.Exception, pytest.exit.Exception)
    with import_module("tasks.testing.registering").registered() as registry:
        made = import_module("tasks.testing.deliveries").Tidings(registry, through=through)
        yield made
        made.close()


@pytest.fixture
def tidings_shop(request: pytest.FixtureRequest) -> "Iterator[TidingsShop]":
    """A `TidingsShop`: `publish(topic, content)`, `wait()` until it is confirmed, and look at the `ledger()`.

    Valkey, worker and beat start with the first message, on ports of their own, and end with the test. Handlers are those that
    `start` or TIDINGS_HANDLERS names, or those of the modules that the test has imported.
    """
    own("tasks")
    shop = import_module("tasks.testing.shop")
    if missing := shop.missing():
        pytest.fail(missing, pytrace=False)
    control = request.getfixturevalue("sandbox")
    with shop.opened(control, import_module("handlers.registry").registry) as made:
        yield made
