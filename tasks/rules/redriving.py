"""When a dead letter that may heal is replayed by itself. Pure; times are seconds since the epoch, ages are seconds."""

from collections.abc import Sequence


def next_redrive(since: float, redriven: int, ages: Sequence[float]) -> float | None:
    """When a letter is replayed next that was buried first at `since`; None when it waits for a person from now on."""
    return since + ages[redriven] if redriven < len(ages) else None
