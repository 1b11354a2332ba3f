"""What ships in the box, imported for a test as `TIDINGS_HANDLERS` would, and forgotten afterwards."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from handlers import Handler, Registry
from handlers.registry import registry as default
from handlers.resources import default as resources


@contextmanager
def imported(name: str) -> Iterator[Any]:
    """The module, which reads the environment now; what it registers stands around no other test's handlers."""
    before = dict(default._arounds)
    sys.modules.pop(name, None)
    try:
        yield importlib.import_module(name)
    finally:
        sys.modules.pop(name, None)
        default._arounds.clear()
        default._arounds.update(before)


def around(function: Any, raises: BaseException | None = None) -> Handler:
    """A handler with the function around it, which raises or returns."""

    def on_any(content: dict[str, Any]) -> None:
        if raises is not None:
            raise raises

    registry = Registry(resources)
    registry.around(function)
    registry.handles("*")(on_any)
    found = registry.find("t")
    assert found
    return found
