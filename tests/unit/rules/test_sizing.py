"""What is told of a load, against a simulation of it, and the ways in which it may not go wrong."""

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.accounts import Poll
from tasks.clock import DAY
from tasks.rules.costs import LOOK_SECONDS, PULL, Work
from tasks.rules.polling import next_interval
from tasks.rules.sizing import BUSY, MOST_PROCESSES, MOST_THREADS, Load, intervals, rhythm, size, work_of

LOAD = Load(accounts=20_000, messages_per_day=3e6)
RATES = st.floats(0, 50)


def simulated(rate: float, least: float, most: float, latency: float) -> tuple[float, float, float]:
    """Polls and batches a second, and the mean wait, of an account that `next_interval` polls for a long time."""
    dice, poll = random.Random(1), Poll(min=least, max=most)
    now, arrival, wait = 0.0, dice.expovariate(rate), 0.0
    last: float | None = None
    polls = batches = messages = 0
    while messages < 12_000:
        now += (least if last is None else last) + latency + LOOK_SECONDS
        got = 0
        while arrival <= now:
            got, wait = got + 1, wait + now - arrival
            arrival += dice.expovariate(rate)
        polls, batches, messages = polls + 1, batches + (got > 0), messages + got
        last = next_interval(got, 10**9, last, poll)
    return polls / now, batches / now, wait / messages


@pytest.mark.parametrize("rate", [0.01, 0.1, 1.0, 10.0])
@pytest.mark.parametrize(("least", "most"), [(1.0, 60.0), (2.0, 2.0), (1.0, 5.0)])
def test_polls_batches_and_waits_are_those_of_the_rule_that_polls(rate: float, least: float, most: float) -> None:
    told = rhythm(rate, least, most, 0.08)
    assert (told.polls, told.batches, told.wait) == pytest.approx(simulated(rate, least, most, 0.08), rel=0.05)


def test_an_account_without_messages_is_polled_as_rarely_as_it_may_be() -> None:
    assert rhythm(0.0, 1, 60, 0.08).polls == pytest.approx(1 / (60.08 + LOOK_SECONDS))
    assert rhythm(1e-12, 1, 60, 0.08).polls == pytest.approx(rhythm(0.0, 1, 60, 0.08).polls, rel=1e-3)


def test_intervals_are_those_of_the_rule_that_polls() -> None:
    poll, last, found = Poll(min=1.5, max=20), 1.5, [1.5]
    while last < 20:
        last = next_interval(0, 100, last, poll)
        found.append(last)
    assert intervals(1.5, 20) == found


@given(RATES, RATES)
def test_equal_shares_need_at_least_as_many_polls_as_unequal_ones(one: float, other: float) -> None:
    def polls(rate: float) -> float:
        return rhythm(rate, 1, 60, 0.08).polls

    assert 2 * polls((one + other) / 2) >= (polls(one) + polls(other)) * (1 - 1e-6)


@given(st.floats(1e5, 1e9), st.booleans())
def test_a_quota_is_used_and_never_exceeded(calls: float, confirms: bool) -> None:
    work = work_of(replace(LOAD, calls_per_day=calls, confirms=confirms))
    used = (work.polls + work.batches * confirms) * DAY
    assert used <= calls * 1.000001
    free = work_of(replace(LOAD, confirms=confirms))
    assert used == pytest.approx(min(calls, (free.polls + free.batches * confirms) * DAY), rel=1e-6)


@given(
    st.integers(1, 1_000_000),
    st.floats(0, 1e9),
    st.floats(0, 10),
    st.floats(0, 10),
    st.integers(1, 64),
)
def test_what_is_started_is_enough(accounts: int, messages: float, latency: float, handler: float, cores: int) -> None:
    load = Load(accounts, messages, latency=latency, handler=handler, handler_cpu=handler / 2)
    found = size(load, cores)
    assert found.pull.cores <= found.pull.workers * BUSY * 1.000001
    assert found.pull.concurrency <= MOST_THREADS
    assert found.pull.workers * found.pull.concurrency * BUSY >= found.calls_per_second * latency * 0.999999
    assert found.handle.concurrency <= MOST_PROCESSES
    assert found.handle.workers * found.handle.concurrency * BUSY >= found.work.messages * handler * 0.999999
    assert found.cores <= found.machines * cores * BUSY * 1.000001 or math.isclose(found.cores, 0)
    assert found.redis_bytes > accounts


def test_more_messages_cost_more_of_everything() -> None:
    little, much = size(LOAD, 2), size(replace(LOAD, messages_per_day=3e7), 2)
    assert much.pull.cores > little.pull.cores
    assert much.handle.cores > 5 * little.handle.cores
    assert much.redis_bytes > 5 * little.redis_bytes
    assert much.calls_per_day > little.calls_per_day
    assert much.wait < little.wait


def test_vvtool_is_paid_for_pulls_and_asked_for_no_confirms() -> None:
    found = size(replace(LOAD, confirms=False), 2)
    assert found.points_per_day == found.calls_per_day == pytest.approx(work_of(LOAD).polls * DAY)
    assert size(LOAD, 2).points_per_day == 0


def test_costs_add_up() -> None:
    assert PULL.of(Work(0, 0, 0)) == PULL.idle
    assert PULL.of(Work(1, 2, 3)) == pytest.approx(PULL.idle + PULL.poll + 2 * PULL.batch + 3 * PULL.message)
