"""A pytest fixture for handlers' tests: `sandbox`, the simulated platforms, empty at the start of each test.

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
