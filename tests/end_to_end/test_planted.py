"""Planted secrets and buyers: nothing of them in anything that a whole run writes, however it is encoded."""

from pathlib import Path

import pytest

from tasks.sandbox.control import Control
from tests.end_to_end.planted.stage import run
from tests.end_to_end.planted.verdict import hits, looked, no_json

QUICK = ("fine", "raise", "chain", "group", "odd", "exit", "retry", "async", "unfit")


@pytest.mark.timeout(240)
def test_no_planted_secret_and_no_buyer_stands_in_anything_that_a_run_writes(tmp_path: Path, sandbox: Control) -> None:
    written = run(tmp_path, sandbox, QUICK, 1, "json", "DEBUG")
    assert not looked(written)
    assert not hits(written)
    assert not no_json(written)
