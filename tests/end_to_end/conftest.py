"""The fixture of the tests that run Tidings as its users do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.sandbox.control import Control
from tests.end_to_end.installation import Installation


@pytest.fixture
def installation(tmp_path: Path, valkey: str, sandbox: Control) -> Iterator[Installation]:
    """An installation with nothing running yet; whatever a test starts is killed when it ends."""
    made = Installation(tmp_path, valkey, sandbox)
    yield made
    made.stop()
