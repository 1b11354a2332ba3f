"""Modules of the current folder that another one of the same name hides: Tidings' own, Python's, or one that pip installed."""

import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

__all__ = ["hidden", "hides"]


def hidden(name: str) -> tuple[Path, Path] | None:
    """Of the top-level module that a dotted name begins with: the one in the current folder, and the one found in its place.

    None when the folder has none, or it is the one that is found.
    """
    top = name.partition(".")[0]
    here = (_origin(top, [str(Path.cwd())]) or _in_plain_folder(name)) if top.isidentifier() else None
    found = _found(top) if here else None
    return (here, found) if here and found and here != found else None


def hides(name: str) -> str:
    """The same as a sentence; empty when nothing is hidden."""
    if not (both := hidden(name)):
        return ""
    here, found = both
    return f"`{name.partition('.')[0]}` is {found}, which hides your {here}: give yours another name"


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
