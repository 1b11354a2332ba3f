"""The rules with a minute made a second, as nobody waits for a day: the same expressions, spans and thresholds of time cut."""

import re

MOST_SECONDS = 15
"""What is longer takes no longer than this: two readings of the gauges, which happen every 10 s."""

UNITS = {"m": 60, "h": 3600, "d": 86400}


def cut(seconds: float) -> float:
    """A span of the rules, cut."""
    return min(seconds / 60, MOST_SECONDS)


def shortened(rules: str) -> str:
    """The text of a rules file, cut: `for`, ranges and offsets, and what `…_seconds` are compared with."""
    rules = re.sub(r"(for: |\[|offset )(\d+)([mhd])", lambda found: found[1] + _span(found[2], found[3]), rules)
    return re.sub(r"(_seconds\) > )(\d{2,})", lambda found: found[1] + f"{cut(float(found[2])):g}", rules)


def _span(number: str, unit: str) -> str:
    return f"{max(1, round(cut(int(number) * UNITS[unit])))}s"
