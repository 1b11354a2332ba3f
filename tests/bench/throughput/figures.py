"""Medians and ratios. Pure."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

from tests.bench.throughput.cases import Case
from tests.bench.throughput.measure import Speed


def by_contender(speeds: Iterable[Speed], case: Case) -> dict[str, list[Speed]]:
    """The measurements of one case by contender, in order of rounds."""
    found: dict[str, list[Speed]] = {}
    for speed in sorted(speeds, key=lambda one: one.round):
        if speed.case == case:
            found.setdefault(speed.contender, []).append(speed)
    return found


def middle(speeds: Sequence[Speed], of: Callable[[Speed], float]) -> float:
    """The median of a figure."""
    return median(map(of, speeds))


def ratio(ours: Sequence[Speed], theirs: Sequence[Speed]) -> float | None:
    """How many times as fast we are: the median over the rounds that both were in; None without any."""
    rates = {speed.round: speed.rate for speed in theirs}
    pairs = [speed.rate / rates[speed.round] for speed in ours if speed.round in rates]
    return median(pairs) if pairs else None


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed. Raises `ValueError` for none."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def shares(commands: Mapping[str, int], messages: int, most: int = 30) -> str:
    """The most frequent commands with how often they ran a message."""
    return ", ".join(f"{name} {number / messages:.2f}" for name, number in list(commands.items())[:most])
