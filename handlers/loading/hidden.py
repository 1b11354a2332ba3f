"""Modules of the current folder that another one of the same name hides: Tidings' own, Python's, or one that pip installed."""

import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path


def hides(name: str) -> str:
    """Says which file stands in for the one of the current folder that the top-level module of a dotted name is meant to be.

    "" when the folder has none, or it is the one that is found.
    """
    top = name.partition(".")[0]
    here = (_origin(top, [str(Path.cwd())]) or _in_plain_folder(name)) if top.isidentifier() else None
    found = _found(top) if here else None
    if not here or not found or here == found:
        return ""
    return f"`{top}` is {found}, which hides your {here}: give yours another name"


def _found(top: str) -> Path | None:
    known = sys.modules.get(top)
    if known is None:
        spec = find_spec(top)
        return Path(spec.origin).resolve() if spec and spec.origin else None
    where = getattr(known, "__file__", None)
    if not where and hasattr(known, "__path__"):
        return None  # plain folders, which hide nothing
    return Path(where).resolve() if where else Path(f"<{top}, built into Python>")


def _origin(top: str, folders: list[str]) -> Path | None:
    spec = PathFinder.find_spec(top, folders)
    return Path(spec.origin).resolve() if spec and spec.origin else None


def _in_plain_folder(name: str) -> Path | None:
    """The file of a module in a folder of the current one that has no __init__.py, which itself would hide nothing."""
    file = Path.cwd().joinpath(*name.split(".")).with_suffix(".py")
    return file.resolve() if "." in name and file.is_file() else None
