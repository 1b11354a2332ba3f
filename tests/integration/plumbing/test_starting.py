"""Handlers that cannot be loaded stop a worker at its start, with a text that says why."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (None, "there is no module 'shop'"),
        ("import no_such_thing", "'no_such_thing', which is not there"),
        ("1 / 0", "ZeroDivisionError"),
        ("from handlers import handles\n@handles('t')\ndef f(): pass", "shop.py:2"),
        (
            "from handlers import handles\n@handles('t')\ndef f(c: dict): 0\n@handles('t')\ndef g(c: dict): 0",
            "two handlers for 't'",
        ),
    ],
)
def test_a_worker_refuses_to_start_and_says_why(tmp_path: Path, valkey: str, source: str | None, told: str) -> None:
    if source is not None:
        (tmp_path / "shop.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-l", "INFO"],
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin:/bin",
            "TIDINGS_REDIS_URL": valkey,
            "TIDINGS_HANDLERS": "shop",
            "PYTHONPATH": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
