"""Event names are a promise: every line of ours has one, each is listed, and each that is listed is used."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tasks.logs import EVENTS
from tests import ROOT

LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
LOGGERS = {"log", "logger"}
BY_OTHERS = {"log", "printed", "crashed"} | {name for name in EVENTS if name.startswith("task_")}
"""Given to lines that others have written."""

FILES = [
    path for top in ("tasks", "handlers") for path in sorted((ROOT / top).rglob("*.py")) if "sandbox" not in path.parts
]


def calls(name: str | None = None) -> Iterator[tuple[str, ast.Call]]:
    """The calls of loggers; with a name, those of that function."""
    for path in FILES:
        for node in all_calls(path):
            of = node.func
            logs = isinstance(of, ast.Attribute) and of.attr in LEVELS and getattr(of.value, "id", "") in LOGGERS
            if (name is None and logs) or (name is not None and getattr(of, "id", "") == name):
                yield path.relative_to(ROOT).as_posix(), node


@cache
def all_calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


@cache
def named() -> set[str]:
    """Every event that our code names."""
    first = [node.args[0] for of in ("about", "fields", "tell") for _, node in calls(of) if node.args]
    said = {each.value for each in first if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    return said | {name for path in FILES for name in re.findall(r'\{"event": "(\w+)"', path.read_text())}


def test_every_line_that_is_logged_names_its_event() -> None:
    found = list(calls())
    assert len(found) > 60
    silent = [(path, node.lineno) for path, node in found if not any(each.arg == "extra" for each in node.keywords)]
    assert not silent


def test_the_list_holds_every_event_and_no_other() -> None:
    assert named() - {"log"} == set(EVENTS) - (BY_OTHERS - named())


def test_the_page_says_what_the_list_says() -> None:
    page = (ROOT / "docs" / "logs.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.MULTILINE))
    assert {name: rows.get(name) for name in EVENTS} == EVENTS
