"""Tidings' own `tasks` and `handlers`, told from others of these names that stand first on the path."""

import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
"""The folder that holds all of our packages: a checkout, or where pip has put them."""

WAY_OUT = "start with `tidings` in place of `celery -A tasks` (`tidings worker`, `tidings check`, …), or rename yours"


class Shadowed(ImportError):
    """Another module has the name of one of ours; the text says which, where both are, and what to do."""

    def __init__(self, name: str, other: object) -> None:
        """`other` is where the other one is."""
        super().__init__(f"`{name}` is {other} here, not Tidings' own {ROOT / name}: {WAY_OUT}", name=name)


def refuse_nowhere() -> None:
    """End a command whose current folder is gone: accounts, handlers and `up`'s Redis are looked for from there."""
    try:
        Path.cwd()
    except FileNotFoundError:
        raise SystemExit("Error: the current folder is not there any more: go to another one, with `cd`") from None


def own(name: str) -> ModuleType:
    """Our package of that name, whatever else the path leads to. Raises `Shadowed` when the other one was imported before."""
    if known := sys.modules.get(name):
        if not is_ours(known):
            raise Shadowed(name, place(known))
        return known
    spec = PathFinder.find_spec(name, [str(ROOT)])
    if spec is None or spec.loader is None:
        raise ImportError(f"Tidings is not whole: there is no {ROOT / name}; install it again", name=name)
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def is_ours(module: ModuleType) -> bool:
    """Whether a top-level module is the one of ours by that name."""
    return place(module) == ROOT / module.__name__ / "__init__.py"


def leads_to_ours(name: str) -> bool:
    """Whether the path as it is now leads to our package of that name."""
    spec = PathFinder.find_spec(name) or find_spec(name)  # an editable install is found by a finder of its own
    return spec is not None and spec.origin is not None and Path(spec.origin).resolve() == ROOT / name / "__init__.py"


def place(module: ModuleType) -> Path | None:
    """Where a module was read from; a package without a file of its own, its folder."""
    where = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    return Path(where).resolve() if where else None


def others(name: str) -> Path | None:
    """Somebody else's module of that name in the current folder, which ours hides; None if there is none."""
    try:
        spec = PathFinder.find_spec(name, [str(Path.cwd())])
    except OSError:  # the folder is gone
        return None
    if spec is None or spec.origin is None:  # a folder without __init__.py hides nothing
        return None
    found = Path(spec.origin).resolve()
    return None if found == ROOT / name / "__init__.py" else found
