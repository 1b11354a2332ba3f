"""Draws the results: throughput, latency under load, and what a message costs, against the peers."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from tests.bench.throughput import figures
from tests.bench.throughput.cases import BASE
from tests.bench.throughput.contenders import BY_NAME, US
from tests.bench.throughput.latency import usual
from tests.bench.throughput.measure import Speed
from tests.bench.throughput.results import Results

OURS, THEIRS, PALE_OURS, PALE_THEIRS = "#0b6e4f", "#8a94a0", "#7cc4a8", "#c9d0d8"
INCHES, DOTS = (12.0, 7.4), 110


def must_be_there() -> None:
    """Raises `ClickException` where there is nothing to draw with."""
    if find_spec("matplotlib") is None:
        raise click.ClickException("drawing needs matplotlib: install 'tidings[bench]'")


def draw(results: Results, path: Path) -> None:
    """Draw what was measured of the base case, and the latencies, into a PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(2, 2, figsize=INCHES, layout="constrained")
    found = figures.by_contender(results.speeds, BASE)
    floor = found.get("bare")
    compared = [name for name in BY_NAME if name in found and BY_NAME[name].compared]
    some = {name: found[name] for name in compared}
    bars(axes[0][0], some, lambda one: one.rate, "{:,.0f}", "messages a second (longer is better)")
    lines(axes[0][1], results)
    bars(axes[1][0], some, lambda one: one.cpu_ms, "{:.2f}", "CPU milliseconds a message (shorter is better)")
    bars(axes[1][1], some, lambda one: one.calls, "{:.1f}", "Redis commands a message (shorter is better)")
    told = BASE.title
    if floor:
        told += f"; without any queue: {figures.middle(floor, lambda one: one.rate):,.0f}"
    figure.suptitle(f"{told}\n{caption(results)}", fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DOTS)
    plt.close(figure)


def bars(axes: Any, some: dict[str, list[Speed]], of: Callable[[Speed], float], form: str, title: str) -> None:
    """A bar a contender: the median, and a line from the least to the most."""
    names = list(reversed(some))
    middles = [figures.middle(some[name], of) for name in names]
    least = [middle - min(map(of, some[name])) for name, middle in zip(names, middles, strict=True)]
    most = [max(map(of, some[name])) - middle for name, middle in zip(names, middles, strict=True)]
    several = any(map(len, (found[1:] for found in some.values())))
    axes.barh(
        [BY_NAME[name].title for name in names],
        middles,
        xerr=[least, most] if several else None,
        color=[OURS if name == US else THEIRS if BY_NAME[name].guarantees.kept else PALE_THEIRS for name in names],
        error_kw={"ecolor": "#333333", "capsize": 3, "linewidth": 1},
    )
    for place, (middle, up) in enumerate(zip(middles, most, strict=True)):
        axes.annotate(form.format(middle), (middle + up, place), (5, 0), textcoords="offset points", va="center")
    axes.margins(x=0.14)
    axes.set_title(title, fontsize=10, loc="left")


def lines(axes: Any, results: Results) -> None:
    """A line a contender and load, from p50 to p99."""
    names = [name for name in BY_NAME if any(one.contender == name for one in results.latencies)]
    names = [name for name in names if BY_NAME[name].compared]
    loads = sorted({one.load for one in results.latencies})
    for one in usual(results.latencies):
        if one.contender not in names:
            continue
        dark, pale = (OURS, PALE_OURS) if one.contender == US else (THEIRS, PALE_THEIRS)
        step = loads.index(one.load) - (len(loads) - 1) / 2
        place = len(names) - 1 - names.index(one.contender) - 0.32 * step
        axes.plot([one.p50, one.p99], [place, place], color=pale, linewidth=5, solid_capstyle="round", zorder=1)
        axes.plot([one.p50], [place], "o", color=dark, zorder=2)
        axes.annotate(
            f"{one.load:.0%}: {_ms(one.p50)}, {_ms(one.p99)}",
            (one.p99, place),
            (7, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.set_xscale("log")
    axes.set_yticks(range(len(names)), [BY_NAME[name].title for name in reversed(names)])
    axes.margins(x=0.45, y=0.08)
    axes.set_title("publish to handled, p50 to p99 (shorter is better)", fontsize=10, loc="left")
    axes.set_xlabel("seconds, with one account; the load is a share of each one's own top rate", fontsize=9)
    axes.xaxis.set_major_formatter(lambda seconds, _: f"{seconds:g}")


def caption(results: Results) -> str:
    """Where it was measured, in a line."""
    known = results.machine
    machine = f"{known['processor']}, {known['cores']} cores, Python {known['python']}"
    return f"{machine}; medians, least, most; pale: a killed worker costs messages, or their confirm comes too early"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms" if seconds < 10 else f"{seconds:,.0f} s"
