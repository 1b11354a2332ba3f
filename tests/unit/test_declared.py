"""What the product imports is what it says it needs, and what an extra brings is asked for in that extra's part only."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = ("handlers", "tasks", "tidings_cli")
BY_PYTEST = {"tidings_cli/pytest_plugin.py": {"pytest"}}
"""Who loads this has it."""

PARTS = {
    "embedded": ("tasks/commands/processes/valkey.py",),
    "flower": (),
    "sandbox": ("tasks/sandbox/",),
    "web": ("tasks/commands/web/",),
    "otel": ("handlers/tracing.py",),
    "sentry": ("handlers/sentry.py",),
    "database": ("handlers/storing/", "handlers/database.py"),
    "postgresql": ("handlers/storing/asking.py",),
    "mariadb": (),
}
"""Where what an extra brings may be imported; extras for development are nobody's."""


def names(asked: list[str]) -> set[str]:
    """The modules that requirements bring; those asked for are called as their modules are."""
    found = {re.split(r"[^\w-]", each)[0].replace("-", "_").lower() for each in asked}
    return {"opentelemetry" if each.startswith("opentelemetry_") else each for each in found}


def imported(path: Path) -> Iterator[str]:
    """The top-level modules that a file imports, in functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]


def others_of(path: Path) -> set[str]:
    """Those of them that neither Python nor this project has; Django is asked for only where a user has it."""
    return {name for name in imported(path) if name not in sys.stdlib_module_names and name not in OURS} - {"django"}


FILES = sorted(path.relative_to(ROOT).as_posix() for top in OURS for path in (ROOT / top).rglob("*.py"))


@pytest.mark.parametrize("file", FILES)
def test_every_import_is_declared(file: str) -> None:
    allowed = names(PROJECT["dependencies"]) | BY_PYTEST.get(file, set())
    for extra, parts in PARTS.items():
        if file.startswith(parts):
            allowed |= names(PROJECT["optional-dependencies"][extra])
    assert others_of(ROOT / file) <= allowed


def test_everything_that_is_declared_has_its_use() -> None:
    used = {name for file in FILES for name in others_of(ROOT / file)}
    beneath = {"tzdata", "vine"}  # read by zoneinfo; what kombu is pinned together with
    assert names(PROJECT["dependencies"]) - used == beneath
