"""What a run shows, beside what is required of it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.bench.polling_figures import Figure
from tests.bench.polls import book
from tests.bench.polls.usage import Usage

MEGA = 2**20


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is required of a layout: polls a second at least, and the goal beyond."""

    rate: float
    goal: float


WANTED = {"plain": Wanted(250, 600), "pull": Wanted(600, 900)}
TIMES, COMMANDS, ROUND_TRIPS = 3.5, 10.0, 3.0


def figures(layout: str, usage: Usage, bare: Mapping[str, float]) -> Iterator[Figure]:
    """The figures of a layout; `bare` is what the bare loop did: calls a second and milliseconds of CPU a call."""
    wanted = WANTED[layout]
    yield Figure(f"polls a second (goal {wanted.goal:g})", usage.rate, wanted.rate)
    yield Figure("CPU a poll, beat and worker, ms", usage.cpu_ms)
    if bare:
        yield Figure("  share of the bare loop's calls a second", usage.rate / bare["rate"])
        yield Figure("  times the bare loop's CPU a call (goal 2)", usage.cpu_ms / bare["cpu"], most=TIMES)
    yield Figure(
        "Redis commands a poll, those in scripts too (goal 4)", usage.each(sum(usage.commands.values())), most=COMMANDS
    )
    yield Figure("Redis reads from clients a poll: round trips, or fewer", usage.each(usage.reads), most=ROUND_TRIPS)


def told(usage: Usage) -> Iterator[str]:
    """What else is worth knowing, a line each."""
    shares = ", ".join(f"{name} {used / usage.seconds:.0%}" for name, used in usage.cpu.items())
    redis = f"Redis {usage.redis_cpu / usage.seconds:.0%} ({usage.each(usage.redis_cpu * 1000):.2f} ms a poll)"
    yield f"  of a core: {shares}, {redis}; others on this machine {usage.foreign:.0%}"
    apart = [f"{part:.0%} {book.share(usage.gaps, part):.2f}" for part in (0.01, 0.5, 0.99)]
    yield f"  seconds between two polls of an account: {', '.join(apart)}"
    for name, parts in usage.memory.items():
        each = " + ".join(f"{part / MEGA:.0f}" for part in parts)
        yield f"  memory of {name}: {sum(parts) / MEGA:.0f} MB ({each})"
    frequent = [
        f"{name} {usage.each(number):.2f}" for name, number in usage.commands.items() if usage.each(number) >= 0.05
    ]
    yield f"  commands a poll: {', '.join(frequent)}"
