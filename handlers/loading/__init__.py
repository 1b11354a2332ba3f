"""Importing the modules that hold handlers, so that what they register is there."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator
from functools import reduce
from importlib.metadata import EntryPoint
from importlib.util import find_spec

from handlers.errors import HandlersError, NotLoaded
from handlers.importing import importing
from handlers.loading import packages
from handlers.loading.aside import aside
from handlers.loading.children import children_kept
from handlers.loading.ended import ends_told
from handlers.loading.explaining import WHAT_TO_DO, WRITE_THAT, explained
from handlers.loading.hidden import hides
from handlers.loading.overlooked import overlooked
from handlers.loggers import loggers_kept
from handlers.registry import Registry, registry

__all__ = ["anything", "load"]

IN_THE_BOX = frozenset(
    {
        f"handlers.{name}"
        for name in ("webhook", "stream", "database", "timing", "archive", "tracing", "sentry", "storing")
    }
)
"""What ships and is off until it is named, or needs an extra: `handlers` alone does not import it."""

NAMED = re.compile(r"(?P<module>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)(\s*:\s*(?P<object>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*))?")
"""What an entry point names."""

NONE_NAMED = (
    "TIDINGS_HANDLERS names no module, so no message would reach code of yours: set it to the module of your handlers "
    "(TIDINGS_HANDLERS=shop for a shop.py), or to `handlers` for those that ship, which only log each message and confirm it"
)
NONE_REGISTERED = (
    "which TIDINGS_HANDLERS names, registers no handler, so no message would reach code of yours: write one with @handles, "
    "or name the module that has them"
)


def load(names: Iterable[str]) -> tuple[str, ...]:
    """Import each module and, of a package, everything inside it, then what installed packages bring; the names of all that was.

    Raises a `HandlersError`: `NotLoaded`, or what is wrong with a handler.
    """
    wanted, brought = _wanted(names), packages.installed()
    if not wanted and not brought:
        raise NotLoaded(NONE_NAMED)
    with importing(), loggers_kept(), children_kept(), ends_told():
        imported = tuple(name for each in wanted for name in _import_wanted(each))
        imported += tuple(name for each in brought for name in _import_brought(each))
    if missed := overlooked(imported):
        raise NotLoaded(missed)
    registry.settle()
    if not list(registry):
        if wanted:
            raise NotLoaded(next(aside(wanted), f"{', '.join(wanted)}, {NONE_REGISTERED}"))
        raise NotLoaded(f"{'; '.join(map(packages.told, brought))}: it registers no handler, and {NONE_NAMED}")
    return imported


def anything(names: Iterable[str]) -> bool:
    """Whether there is anything to load: modules that are named, or handlers of an installed package."""
    return bool(_wanted(names) or packages.installed())


def _wanted(names: Iterable[str]) -> list[str]:
    return [name.strip() for name in names if name.strip()]


def _import_brought(point: EntryPoint) -> Iterator[str]:
    """What an installed package names: a module, or a registry in one. What is wrong tells the package."""
    try:
        named = NAMED.fullmatch(point.value)
        if named is None:
            raise NotLoaded("it names no module, as `package.module` or `package.module:object`")
        if not _is_there(named["module"]):
            raise NotLoaded(f"there is no module {named['module']!r}; install the package anew, or leave it out")
        yield from _import_all(named["module"])
        if found := _object(named["module"], named["object"]):
            registry.include(found)
    except HandlersError as error:
        raise type(error)(f"{packages.told(point)}: {error}") from error


def _is_there(module: str) -> bool:
    """Whether there is such a module; its import tells what else is wrong, as with a package around it."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError as error:
        return not f"{module}.".startswith(f"{error.name}.")
    except BaseException:  # a package may raise anything
        return True


def _object(module: str, path: str | None) -> Registry | None:
    """The registry of this name in a module; None for what is none, as its import was enough."""
    try:
        found: object = reduce(getattr, path.split("."), sys.modules[module]) if path else None
    except AttributeError:
        raise NotLoaded(f"the module {module} has no {path}") from None
    return found if isinstance(found, Registry) else None


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
    try:
        module = importlib.import_module(name)
        inside = list(pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."))
    except BaseException as error:  # a module may raise anything
        raise explained(name, error) from error
    yield name
    for found in inside:
        if not found.name.endswith(".__main__") and found.name not in IN_THE_BOX:
            yield from _import_all(found.name)
