"""The page on upgrading Celery names what is there."""

import re
from pathlib import Path

from tests import ROOT

PAGE = (ROOT / "docs" / "upgrading-celery.md").read_text()
TABLE = [line.split("|")[1:-1] for line in PAGE.splitlines() if line.startswith("| ") and line.count("|") == 5]


def test_every_file_and_test_of_the_table_is_there() -> None:
    rows = TABLE[1:]
    assert len(rows) > 15
    for _, _, used, guarded in rows:
        files = [found(name, "tasks/plumbing/") for name in re.findall(r"`([^`]+(?:\.py|/))`", used)]
        tests = [
            ROOT / "tests" / name.replace("…", "integration/plumbing") for name in re.findall(r"`([^`]+\.py)`", guarded)
        ]
        assert files, used
        assert tests or "every" in guarded
        assert not [path for path in (*files, *tests) if not path.exists()]


def test_every_file_of_the_plumbing_that_leans_on_something_is_in_it() -> None:
    told = "\n".join(used for _, _, used, _ in TABLE)
    for path in sorted((ROOT / "tasks" / "plumbing").glob("*.py")):
        leans = re.search(r"^from (celery|kombu|billiard|amqp)\.(?!signals|utils)", path.read_text(), re.MULTILINE)
        assert not leans or f"`{path.name}`" in told, path.name


def found(name: str, room: str) -> Path:
    """A file by its name from the root, or in a room."""
    return ROOT / name if (ROOT / name).exists() else ROOT / room / name
