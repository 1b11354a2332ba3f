"""How long messages wait with a quota of calls, against what is possible; `python -m tests.bench.polling_cost`.

The policy is the product's own, the clock is simulated, rates are learnt from pulls. After days of warm-up, one is measured.
Prints each figure beside what is required of it; exits with 1 if one is missed.
"""

import math
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

from tasks.accounts import Poll
from tasks.rules.allowance import Limits
from tasks.rules.polling import first_polls
from tests.bench.polling_figures import Figure, bound, of_calls, of_points
from tests.bench.polling_simulation import Fixed, Gateway, Outcome, Tidings, simulate
from tests.bench.polling_world import DAY, HOUR, MIDNIGHT, SHOPPING, Bursts, World

CALLS = 100_000
WARM = 2
POLL, BUSY = Poll(min=1, max=6 * 3600), Poll(min=1, max=60)


def tidings(world: World, limits: Limits, poll: Poll = POLL, *, confirms: bool = False) -> Outcome:
    """A measured day of what Tidings does, from accounts that it has never seen."""
    gateway, policy = Gateway(world.people(), limits, confirms), Tidings(world.shops, limits, poll)
    return simulate(gateway, policy, first(world, limits, poll), warm=WARM)


def first(world: World, limits: Limits, poll: Poll) -> list[float]:
    """When each shop is pulled for the first time, seconds after the start."""
    per_second = limits.calls_per_day and limits.calls_per_day / DAY
    return list(first_polls({f"{shop}": poll for shop in range(world.shops)}, calls_per_second=per_second).values())


def fixed(world: World, intervals: list[float]) -> Outcome:
    """A measured day of pulling each shop at its own fixed interval."""
    begin = [interval * (0.618 * shop % 1) for shop, interval in enumerate(intervals)]
    return simulate(Gateway(world.people(), Limits()), Fixed(intervals), begin, warm=WARM)


def day_rates(world: World) -> list[float]:
    """What the messages a second of each shop were on the measured day: nobody knows before it is over."""
    rates = []
    for shop in world.people():
        shop.take(MIDNIGHT + WARM * DAY, math.inf)
        rates.append(len(shop.take(MIDNIGHT + (WARM + 1) * DAY, math.inf)) / DAY)
    return rates


def steady(world: World) -> Iterator[Figure]:
    """Rates that never change: against what is possible, and against pulling all alike."""
    outcome = tidings(world, Limits(calls_per_day=CALLS))
    possible = bound([shop.rate for shop in world.people()], CALLS / DAY)
    alike = fixed(world, [world.shops * DAY / outcome.days[-1].calls] * world.shops)
    yield Figure("mean wait from publication to pull (seconds)", outcome.wait)
    yield Figure("what is possible, (Σ√λ)² / (2·B·Σλ) (seconds)", possible)
    yield Figure("ratio to what is possible", outcome.wait / possible, most=1.10)
    yield Figure("mean wait when all are pulled alike, with the same calls (seconds)", alike.wait)
    yield Figure("ratio to that", outcome.wait / alike.wait, most=0.6)
    yield from of_calls(outcome, CALLS)


def changing(world: World) -> Iterator[Figure]:
    """Days, nights and bursts: against the best intervals that stay the same all day."""
    outcome = tidings(world, Limits(calls_per_day=CALLS))
    rates = day_rates(world)
    scale = sum(map(math.sqrt, rates)) * DAY / CALLS
    static = fixed(world, [min(DAY, scale / math.sqrt(rate)) if rate else DAY for rate in rates])
    yield Figure("mean wait from publication to pull (seconds)", outcome.wait)
    yield Figure("mean wait of the best fixed intervals for this very day (seconds)", static.wait)
    yield Figure("calls of the day that those make", static.days[-1].calls, 0.97 * CALLS)
    yield Figure("ratio to that", outcome.wait / static.wait, most=0.95)
    yield from of_calls(outcome, CALLS)


def confirmed(world: World) -> Iterator[Figure]:
    """Every pull that brings something is followed by a confirm, which the plan does not make."""
    outcome = tidings(world, Limits(calls_per_day=CALLS), confirms=True)
    yield Figure("mean wait from publication to pull (seconds)", outcome.wait)
    yield from of_calls(outcome, CALLS)


def paid(world: World, points: int) -> Iterator[Figure]:
    """A point for each pull that brings something, and 10 calls a second."""
    outcome = tidings(world, Limits(calls_per_second=10, points_per_day=points), BUSY)
    yield Figure("messages of the day", outcome.messages)
    yield Figure("mean wait from publication to pull (seconds)", outcome.wait)
    yield from of_points(outcome, points)


def crowded(world: World, per_second: float) -> Iterator[Figure]:
    """No quota a day; intervals that grow and shrink by themselves would take more calls a second than there are."""
    free, held = (hour(world, limits) for limits in (Limits(), Limits(calls_per_second=per_second)))
    possible = bound([shop.rate for shop in world.people()], per_second)
    yield Figure("calls a second without a limit", free.calls / HOUR, least=per_second)
    yield Figure("calls a second with the limit", held.calls / HOUR, 0.95 * per_second, per_second)
    yield Figure("ratio of the mean wait to what is possible with those", held.wait / possible, most=1.2)


def hour(world: World, limits: Limits) -> Outcome:
    """A measured hour, after two of warm-up, of accounts without a quota a day."""
    policy, begin = Tidings(world.shops, limits, BUSY), first(world, limits, BUSY)
    return simulate(Gateway(world.people(), limits), policy, begin, warm=2 / 24, measured=1 / 24, every=60)


def main() -> None:
    started = time.perf_counter()
    calm = World()
    lively = replace(calm, hours=SHOPPING, bursts=Bursts(every=DAY, last=1_800, times=20))
    few = replace(lively, shops=50, per_second=0.05)
    runs = {
        "1,000 accounts, Zipf, 2 messages a second, 100,000 calls a day": steady(calm),
        "the same with 5 messages a second": steady(replace(calm, per_second=5)),
        "with a daily rhythm": changing(replace(lively, bursts=None)),
        "with a daily rhythm and bursts": changing(lively),
        "the same, and confirms out of the same quota": confirmed(lively),
        "50 accounts, 2,500 points a day": paid(few, 2_500),
        "1,000 accounts, 3 messages a second, 10 calls a second and no quota": crowded(replace(calm, per_second=3), 10),
    }
    missed = 0
    for what, figures in runs.items():
        print(what)  # noqa: T201  (a script's result)
        for figure in figures:
            print(figure, flush=True)  # noqa: T201
            missed += not figure.met
    print(f"{missed} missed; took {time.perf_counter() - started:.0f} s")  # noqa: T201
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
