"""Importing the modules that hold handlers, so that what they register is there."""

import importlib
import pkgutil
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from handlers.errors import HandlersError, NotLoaded
from handlers.hidden import hides
from handlers.registry import registry

__all__ = ["HandlersError", "load"]

IN_THE_BOX = frozenset(
    {f"handlers.{name}" for name in ("webhook", "stream", "database", "timing", "archive", "tracing", "sentry")}
)
"""What ships and is off until it is named: `handlers` alone does not import it."""

WHAT_TO_DO = (
    "TIDINGS_HANDLERS is a comma-separated list of modules to import for their handlers, written as in `import`: "
    "shop for a shop.py, shop.orders for shop/orders.py"
)
WRITE_THAT = "and write that into TIDINGS_HANDLERS"
NONE_NAMED = (
    "TIDINGS_HANDLERS names no module, so no message would reach code of yours: set it to the module of your handlers "
    "(TIDINGS_HANDLERS=shop for a shop.py), or to `handlers` for those that ship, which only log each message and confirm it"
)
NONE_REGISTERED = (
    "which TIDINGS_HANDLERS names, registers no handler, so no message would reach code of yours: write one with @handles, "
    "or name the module that has them"
)


def load(names: Iterable[str]) -> tuple[str, ...]:
    """Import each module and, of a package, everything inside it; returns the names of all that was imported.

    Raises a `HandlersError`: `NotLoaded`, or what is wrong with a handler.
    """
    wanted = [name.strip() for name in names if name.strip()]
    if not wanted:
        raise NotLoaded(NONE_NAMED)
    imported = tuple(name for each in wanted for name in _import_wanted(each))
    registry.settle()
    if not list(registry):
        raise NotLoaded(f"{', '.join(wanted)}, {NONE_REGISTERED}")
    return imported


def _import_wanted(name: str) -> Iterator[str]:
    """Refuses a module that stands in for one of the current folder, unless it has handlers of a user's."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise NotLoaded(f"{name!r} is no module's name; {WHAT_TO_DO}")
    if not (hiding := hides(name)):
        yield from _import_all(name)
        return
    imported = tuple(_import_all(name))
    if not any(handler.function.__module__ in imported and not handler.fallback for handler in registry):
        raise NotLoaded(f"{hiding}, {WRITE_THAT}")
    yield from imported


def _import_all(name: str) -> Iterator[str]:
    module = _import(name)
    yield name
    for found in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
        if not found.name.endswith(".__main__") and found.name not in IN_THE_BOX:
            yield from _import_all(found.name)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except HandlersError:
        raise
    except ModuleNotFoundError as error:
        raise NotLoaded(_missing(name, error)) from error
    except BaseException as error:  # a module may raise anything, and so may its errors when they are shown
        said = f"importing {name} raised {type(error).__name__}{_place(error)}{_text(error)}"
        raise NotLoaded("; ".join(filter(None, (said, _hiding(error))))) from error


def _missing(name: str, error: ModuleNotFoundError) -> str:
    """Whether the module itself is not there, or one that it imports."""
    if error.name and f"{name}.".startswith(f"{error.name}."):
        if hiding := hides(name):
            return f"{hiding}, {WRITE_THAT}"
        where = "each has to be in the current folder, installed, or on PYTHONPATH"
        return f"there is no module {error.name!r}; {WHAT_TO_DO}; {where}"
    said = f"importing {name} failed, as it imports {error.name!r}, which is not there{_place(error)}"
    return "; ".join(filter(None, (said, _hiding(error))))


def _hiding(error: BaseException) -> str:
    """Whether something was looked for in a module that stands in for one of the current folder."""
    asked = error.name if isinstance(error, ImportError) else None
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        asked = error.obj.__name__
    return hides(asked) if asked else ""


def _text(error: BaseException) -> str:
    """What it says, as `: text`."""
    try:
        return f": {error}"
    except BaseException:
        return ""


def _place(error: BaseException) -> str:
    """Where it was raised, as ` at file:line`, past the frames of the import system itself."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<frozen")]
    return f" at {Path(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
