"""Handlers in a folder of a package that its import passes over, as the folder has no __init__.py: nobody would miss them."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

REGISTERS = re.compile(rb"^@(\w+\.)*handles\(", re.MULTILINE)
"""A function of a module itself: one inside of a test's function registers nothing when its module is imported."""


def overlooked(imported: Iterable[str]) -> str:
    """What to do about the first file of that kind in these packages, unless something imports it; "" when there is none."""
    for package in imported:
        for folder in getattr(sys.modules[package], "__path__", ()):
            for file in _in_plain_folders(Path(folder)):
                if REGISTERS.search(_read(file)) and not _is_imported(file):
                    said = f"{file} has handlers, and is not imported with {package}, as {_plain(file, Path(folder))} has no"
                    return f"{said} __init__.py: add an empty one, or move the folder elsewhere"
    return ""


def _in_plain_folders(package: Path) -> Iterator[Path]:
    """The modules below a package in folders that are no packages; their sub-packages are nobody's either."""
    for folder, inside, files in os.walk(package):
        inside[:] = sorted(each for each in inside if each.isidentifier() and each != "__pycache__")
        if Path(folder) == package:
            inside[:] = [each for each in inside if not (package / each / "__init__.py").exists()]
        else:
            yield from (Path(folder, each) for each in sorted(files) if each.endswith(".py"))


def _plain(file: Path, package: Path) -> Path:
    """The uppermost folder on the way to a file that is no package."""
    inside = [each for each in reversed(file.parents) if package in each.parents]
    return next((each for each in inside if not (each / "__init__.py").exists()), file.parent)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _is_imported(file: Path) -> bool:
    return any(getattr(each, "__file__", None) == str(file) for each in list(sys.modules.values()))
