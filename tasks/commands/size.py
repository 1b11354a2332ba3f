"""`celery -A tasks size`: what to start for so many accounts and messages."""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict

import click

from tasks.clock import DAY
from tasks.commands.group import Command
from tasks.rules import sizing
from tasks.rules.costs import QUANTITY
from tasks.rules.sizing import Load, Size, Workers
from tidings_cli.numbers import Between, Whole

MEGA, GIGA = 2**20, 2**30
MOST_ACCOUNTS, MOST_MESSAGES, MOST_CORES = 10_000_000, 1e12, 1024

LEAST_REDIS = 256 * MEGA
WORKER = "celery -A tasks worker"

spans = Between(0.001, DAY)
milliseconds = Between(0, 1000 * DAY)


@click.command(cls=Command, whose="none")
@click.option("--accounts", required=True, type=Whole(1, MOST_ACCOUNTS), help="How many shops are polled.")
@click.option(
    "--messages-per-day",
    required=True,
    type=Between(0, MOST_MESSAGES),
    help="Messages of a day, of all shops together.",
)
@click.option(
    "--peak",
    default=2.0,
    show_default=True,
    type=Between(1, 1000),
    help="The busiest hour, in times of the day's mean.",
)
@click.option(
    "--poll-min", default=1.0, show_default=True, type=spans, help="`poll.min` of the accounts file, in seconds."
)
@click.option("--poll-max", default=60.0, show_default=True, type=spans, help="`poll.max`, in seconds.")
@click.option(
    "--latency-ms", default=80.0, show_default=True, type=milliseconds, help="How long a platform takes to answer."
)
@click.option("--handler-ms", default=5.0, show_default=True, type=milliseconds, help="How long a handler runs.")
@click.option(
    "--handler-cpu-ms",
    type=milliseconds,
    help="For how long of that it keeps a core busy, rather than waiting for others; all of it unless told.",
)
@click.option("--cores", default=2, show_default=True, type=click.IntRange(1, MOST_CORES), help="Cores of one machine.")
@click.option(
    "--done-days",
    default=3.0,
    show_default=True,
    type=Between(0.001, 3650),
    help="TIDINGS_DONE_DAYS: how long handled messages are remembered.",
)
@click.option(
    "--calls-per-day",
    type=Between(1, MOST_MESSAGES),
    help="The quota of all gateways together; without it, as many calls as polls ask for.",
)
@click.option("--vvtool", is_flag=True, help="The platform is vv-tool: confirms cost no call, pulls cost points.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON: seconds, bytes, cores.")
def size(
    accounts: int,
    messages_per_day: float,
    peak: float,
    poll_min: float,
    poll_max: float,
    latency_ms: float,
    handler_ms: float,
    handler_cpu_ms: float | None,
    cores: int,
    done_days: float,
    calls_per_day: float | None,
    vvtool: bool,
    as_json: bool,
) -> None:
    """Say what to start for so many accounts and messages: workers, machines, Redis, and the quota that polls need.

    It reads nothing and asks nobody: the figures are those of docs/sizing.md, measured on two cores.
    """
    load = Load(
        accounts=accounts,
        messages_per_day=messages_per_day,
        least=poll_min,
        most=poll_max,
        latency=latency_ms / 1000,
        handler=handler_ms / 1000,
        handler_cpu=(handler_ms if handler_cpu_ms is None else handler_cpu_ms) / 1000,
        peak=peak,
        done_days=done_days,
        confirms=not vvtool,
        calls_per_day=calls_per_day or math.inf,
    )
    refuse_what_cannot_be(load)
    found = sizing.size(load, cores)
    click.echo(as_one_line(load, found) if as_json else "\n".join(told(load, found, cores)))


def refuse_what_cannot_be(load: Load) -> None:
    """Raises `UsageError` for a load whose numbers do not fit together."""
    if load.most < load.least:
        raise click.UsageError(f"--poll-max must be --poll-min or more: {load.most:g} is less than {load.least:g}")
    if load.handler_cpu > load.handler:
        busy, whole = load.handler_cpu * 1000, load.handler * 1000
        raise click.UsageError(f"--handler-cpu-ms cannot be more than --handler-ms: {busy:g}, {whole:g}")
    if load.confirms and load.calls_per_day * QUANTITY < load.messages_per_day:
        calls, messages = f"{load.calls_per_day:,.0f} calls", f"{load.messages_per_day:,.0f} messages"
        raise click.UsageError(f"{calls} cannot bring and confirm {messages}")


def as_one_line(load: Load, found: Size) -> str:
    """What scripts read. JSON knows no infinity: no quota is null."""
    quota = load.calls_per_day if math.isfinite(load.calls_per_day) else None
    return json.dumps({"load": asdict(load) | {"calls_per_day": quota}, **asdict(found)})


def told(load: Load, found: Size, cores: int) -> Iterator[str]:
    """What people read, a line each."""
    work = found.work
    messages = f"{load.messages_per_day:,.0f} messages a day: {load.messages_per_day / DAY:,.1f} a second"
    yield f"{load.accounts:,} accounts, {messages}, {work.messages:,.1f} at peak"
    yield "\nstart"
    yield f"  {of(found.pull, 'pull worker')}: {WORKER} -n pull@%h -Q consume,confirm -P threads -c {found.pull.concurrency}"
    yield f"  {of(found.handle, 'handle worker')}: {WORKER} -n handle@%h -X consume,confirm -c {found.handle.concurrency}"
    yield f"  {of(found.beat, 'beat')}: celery -A tasks beat"
    machines = f"{many(found.machines, 'machine')} of {many(cores, 'core')}"
    yield f"  on {machines}: {found.cores:.2f} cores are busy at peak, Redis's among them"
    yield "\nRedis"
    yield f"  maxmemory {max(LEAST_REDIS, found.redis_bytes) / GIGA:.2f} GB, {sizing.SPARE:g} times what its data takes"
    yield f"  {found.redis_commands:,.0f} commands a second at peak, {found.redis_cores:.0%} of a core"
    yield "\nplatform"
    yield f"  {work.polls:,.0f} polls and {found.calls_per_second:,.0f} calls a second at peak, with confirms"
    yield f"  {found.calls_per_day:,.0f} calls a day"
    if found.points_per_day:
        yield f"  {found.points_per_day:,.0f} of them are pulls, which cost points"
    yield f"  a message waits {found.wait:,.1f} s for its pull, in the mean"
    yield (
        "\nCores are those of a virtual machine of two with Python 3.11; another one needed 0.5 to 0.6 of them (docs/sizing.md"
        "\nsays how to measure yours). Your handlers' own memory comes on top."
    )


def of(workers: Workers, name: str) -> str:
    """How many there are, and what they take."""
    return f"{many(workers.workers, name)} ({workers.cores:.2f} cores, {workers.memory / MEGA:,.0f} MB)"


def many(number: int, name: str) -> str:
    """So many of a thing."""
    return f"{number} {name}{'s' * (number != 1)}"
