"""When a letter is replayed by itself next."""

import pytest

from tasks.rules.redriving import next_redrive


@pytest.mark.parametrize(
    ("redriven", "ages", "at"),
    [
        (0, (60.0, 3600.0), 160.0),
        (1, (60.0, 3600.0), 3700.0),
        (2, (60.0, 3600.0), None),
        (0, (), None),
        (6, (1.0,), None),
    ],
)
def test_its_age_counts_from_its_first_burial(redriven: int, ages: tuple[float, ...], at: float | None) -> None:
    assert next_redrive(100.0, redriven, ages) == at
