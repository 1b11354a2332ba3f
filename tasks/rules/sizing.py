"""What to start for so many accounts and messages: polls, calls, cores and memory. Pure; spans are seconds, CPU is in cores.

How often accounts are polled follows `tasks.rules.polling`, for messages that come at random (a Poisson process) and in equal
shares. Unequal shares need fewer polls, as busy accounts are polled no more often than `least`, and wait less: so what is told
here is enough. With a quota of calls that does not suffice for that, polls are spread evenly, as `tasks.rules.plan` does it.
"""

import math
from dataclasses import dataclass

from tasks.clock import DAY
from tasks.rules.costs import (
    ACCOUNT_BYTES,
    BEAT,
    BEAT_MEMORY,
    HANDLE,
    HANDLE_MAIN,
    HANDLE_MEMORY,
    LOOK_SECONDS,
    MARK_BYTES,
    PROCESS_BYTES,
    PULL,
    PULL_MEMORY,
    QUANTITY,
    REDIS,
    REDIS_BYTES,
    REDIS_COMMANDS,
    Work,
)

BUSY = 0.7
"""The share of a core, a thread or a process that is planned with: above it, what comes at random waits in line."""

BEATS = 2
"""One sends, the other takes over at once should it die."""

LEAST_PROCESSES = 4
"""Of a handle worker: handlers that wait must not stop the others."""

MOST_PROCESSES = 16
"""Of one handle worker: measured up to here (README, "How fast it is")."""

MOST_THREADS = 100
"""Of one pull worker: with so many it makes 900 polls a second of a platform that answers after 80 ms."""

LEAST_THREADS = 8

NOTHING = 1e-9
"""Messages in an interval that are none."""

HALVINGS = 60
"""Steps of a bisection: as exact as a float is."""

SPARE = 2.0
"""Redis gets so many times the memory that its data takes: a rewrite of the append-only file copies what changes meanwhile."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be done. `peak` is how many times the day's mean the busiest hour brings; `confirms`: whether a platform is told
    by a call (vv-tool is not); `handler` is how long a handler runs, of which it keeps a core busy for `handler_cpu`."""

    accounts: int
    messages_per_day: float
    least: float = 1.0
    most: float = 60.0
    latency: float = 0.08
    handler: float = 0.005
    handler_cpu: float = 0.005
    peak: float = 2.0
    done_days: float = 3.0
    confirms: bool = True
    calls_per_day: float = math.inf


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How one account is polled: pulls and batches with messages a second; `wait` is the mean time until a message is pulled."""

    polls: float
    batches: float
    wait: float


@dataclass(frozen=True, slots=True)
class Workers:
    """So many workers with so many threads or processes each; cores and bytes of all together."""

    workers: int
    concurrency: int
    cores: float
    memory: float


@dataclass(frozen=True, slots=True)
class Size:
    """What a load needs. Rates are those of the busiest hour, a second; calls are counted over a day of mean rates, of which
    `wait` is the mean, too."""

    work: Work
    wait: float
    calls_per_second: float
    calls_per_day: float
    points_per_day: float
    pull: Workers
    handle: Workers
    beat: Workers
    redis_cores: float
    redis_commands: float
    redis_bytes: float
    cores: float
    machines: int


def rhythm(rate: float, least: float, most: float, latency: float) -> Rhythm:
    """How an account with so many messages a second is polled.

    Each pull without messages doubles the interval, up to `most`; one with messages brings it back to `least`. A message waits
    half of the interval that it falls into, and falls into long ones more often.
    """
    begun, visits, time, squares = 1.0, 0.0, 0.0, 0.0
    for length in intervals(least, most):
        whole = length + latency + LOOK_SECONDS
        empty = math.exp(-rate * whole)
        if length >= most:
            if rate * whole < NOTHING:
                return Rhythm(1 / whole, 0.0, whole / 2)
            begun /= -math.expm1(-rate * whole)  # it is stayed in until a message comes
        visits, time, squares = visits + begun, time + begun * whole, squares + begun * whole**2
        begun *= empty
    full = rate / QUANTITY  # a full batch is followed by the next pull at once
    return Rhythm(max(visits / time, full), max(1 / time, full), squares / time / 2)


def intervals(least: float, most: float) -> list[float]:
    """The waits between pulls: the first after a batch, each further one after another empty pull."""
    found = [least]
    while found[-1] < most:
        found.append(min(most, 2 * found[-1]))
    return found


def spread(rate: float, calls: float, confirms: bool) -> Rhythm:
    """How an account is polled whose quota allows so many calls a second, confirms counted in: at even intervals."""
    least, most = 0.0, calls  # polls a second
    for _ in range(HALVINGS):
        polls = (least + most) / 2
        batches = -polls * math.expm1(-rate / polls)
        least, most = (polls, most) if polls + batches * confirms < calls else (least, polls)
    return Rhythm(polls, max(batches, rate / QUANTITY), 1 / polls / 2)


def rhythm_of(load: Load, times: float) -> Rhythm:
    """How each account is polled, at so many times the day's mean of messages."""
    rate = load.messages_per_day * times / DAY / load.accounts
    wanted = rhythm(rate, load.least, load.most, load.latency)
    quota = load.calls_per_day / DAY / load.accounts
    return wanted if wanted.polls + wanted.batches * load.confirms <= quota else spread(rate, quota, load.confirms)


def work_of(load: Load, times: float = 1.0) -> Work:
    """What all accounts together bring a second, at so many times the day's mean."""
    one = rhythm_of(load, times)
    return Work(one.polls * load.accounts, one.batches * load.accounts, load.messages_per_day * times / DAY)


def size(load: Load, cores: int) -> Size:
    """What to start for this load, on machines of so many cores."""
    day, work = work_of(load), work_of(load, load.peak)
    calls = work.polls + work.batches * load.confirms
    pull, handle, beat = _pull(load, work, calls), _handle(load, work), _beat(load, work)
    redis = REDIS.of(work)
    busy = pull.cores + handle.cores + beat.cores + redis
    return Size(
        work=work,
        wait=rhythm_of(load, 1.0).wait + load.latency,
        calls_per_second=calls,
        calls_per_day=(day.polls + day.batches * load.confirms) * DAY,
        points_per_day=0.0 if load.confirms else day.polls * DAY,
        pull=pull,
        handle=handle,
        beat=beat,
        redis_cores=redis,
        redis_commands=REDIS_COMMANDS.of(work),
        redis_bytes=redis_bytes(load) * SPARE,
        cores=busy,
        machines=max(1, math.ceil(busy / BUSY / cores)),
    )


def redis_bytes(load: Load) -> float:
    """What Redis holds: of each account, and the mark of each message for as long as it is remembered."""
    return REDIS_BYTES + load.accounts * ACCOUNT_BYTES + load.messages_per_day * load.done_days * MARK_BYTES


def _pull(load: Load, work: Work, calls: float) -> Workers:
    used = PULL.of(work)
    threads = max(LEAST_THREADS, math.ceil(calls * load.latency / BUSY))
    workers = max(math.ceil(used / BUSY), math.ceil(threads / MOST_THREADS))  # a worker's threads share one core
    return Workers(workers, math.ceil(threads / workers), used, workers * PULL_MEMORY.of(load.accounts))


def _handle(load: Load, work: Work) -> Workers:
    used = HANDLE.of(work) + work.messages * load.handler_cpu
    at_once = (HANDLE.of(work) - HANDLE_MAIN.of(work) + work.messages * load.handler) / BUSY
    workers = max(1, math.ceil(HANDLE_MAIN.of(work) / BUSY), math.ceil(at_once / MOST_PROCESSES))
    processes = max(LEAST_PROCESSES, math.ceil(at_once / workers))
    memory = workers * (HANDLE_MEMORY.of(load.accounts) + processes * PROCESS_BYTES)
    return Workers(workers, processes, used, memory)


def _beat(load: Load, work: Work) -> Workers:
    return Workers(BEATS, 1, BEAT.of(work), BEATS * BEAT_MEMORY.of(load.accounts))
