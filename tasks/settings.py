"""Every setting that comes from the environment, each as `TIDINGS_` and its name in capitals."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pydantic import Field, PrivateAttr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.address import Address, Amqp, amqp, is_amqp, is_redis, looked_at, parse
from tasks.address.files import refuse_amqp, refuse_redis
from tasks.address.home import remembered
from tasks.clock import DAY, HOUR

PREFIX = "TIDINGS_"
MOST = 1_000_000
INSTANT = 0.001  # what is shorter is no time for a timer
AGE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([smhd])", re.ASCII)
UNITS = {"s": 1.0, "m": 60.0, "h": HOUR, "d": DAY}
MOST_AGES = 6


class SettingsError(Exception):
    """A variable of the environment cannot be used; the text names each and says what is expected."""


class Settings(BaseSettings):
    """What one installation of Tidings is told. The README's table is made from these descriptions."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    accounts: str = Field(
        "accounts.toml",
        description="path of the accounts file, or `python:package.module:callable` that returns the same structure",
    )
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        repr=False,
        description="state and results: `redis://`, `rediss://`, `unix://`, or "
        "`sentinel://host:26379;sentinel://host2:26379/0?master=name` ([every spelling](docs/redis.md))",
    )
    broker_url: str = Field("", repr=False, description="any Celery broker; empty: the same Redis as the state")
    handlers: str = Field(
        "",
        description="comma-separated modules to import for their handlers; `worker` and `up` refuse to start without it "
        "(`handlers`: those that ship, which only log and confirm), unless an installed package brings handlers",
    )
    unhandled: Literal["confirm", "leave", "bury"] = Field(
        "confirm",
        description="what happens to a topic that nobody handles: `confirm`, `leave` (it comes again) or `bury` (as a dead "
        "letter); counted and shown by topic in any case",
    )

    max_deliveries: int = Field(
        5, ge=1, le=MOST, description="a message delivered this often without success is buried"
    )
    max_dead_ratio: float = Field(
        0.5,
        gt=0,
        le=1,
        description="an account pauses when a larger share of its latest messages would be buried, as after a bad release",
    )
    handler_seconds: float = Field(
        60,
        ge=INSTANT,
        le=DAY,
        description="a handler that runs longer is stopped (seconds; shorter where a gateway's lease is short)",
    )
    redrive: str = Field(
        "",
        description="ages at which a dead letter whose handler failed, took too long, or had its process killed, is replayed by "
        "itself, up to 6 as in "
        "`1h,6h,24h` (units s, m, h, d); after the last it waits for a person, empty: from the first",
    )
    done_days: float = Field(
        3, ge=0.001, le=3650, description="how long a handled message is remembered, so that it is not handled again"
    )
    open_batches: int = Field(
        4, ge=1, le=MOST, description="how many batches of one account may be under way at the same time"
    )

    connect_seconds: float = Field(
        3.05, ge=INSTANT, le=DAY, description="how long to wait for a connection to a platform (seconds)"
    )
    read_seconds: float = Field(15, ge=INSTANT, le=DAY, description="how long to wait for a platform's reply (seconds)")
    reply_bytes: int = Field(
        32 * 2**20, ge=1024, le=2**31, description="a platform's reply larger than this is refused (bytes)"
    )
    accounts_seconds: float = Field(
        1,
        ge=INSTANT,
        le=DAY,
        description="how often to look whether the accounts file has changed (seconds; `python:` sources: 30 times that)",
    )
    visibility_seconds: float | None = Field(
        None,
        ge=INSTANT,
        le=DAY,
        description="how long a killed worker's tasks stay hidden (seconds); empty: from the shortest lease",
    )
    worker_concurrency: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="how many tasks one worker runs at a time; empty: twice the number of cores, at least 4",
    )
    polls_at_once: int = Field(
        100,
        ge=1,
        le=1000,
        description="how many polls, counters and confirms one worker makes at a time, beside its handlers; with `-P threads` "
        "as many as its threads",
    )
    async_at_once: int = Field(
        200,
        ge=0,
        le=1000,
        description="how many `async def` handlers one worker runs at a time, on one event loop beside its pool; `0`: each in a "
        "process of the pool",
    )
    log: Literal["console", "json"] = Field(
        "console",
        description="how workers, beat and `up` write their logs: `console`, lines for people, or `json`, one object a line "
        "([events and fields](docs/logs.md))",
    )
    stock: bool = Field(
        False,
        description="`1`: Celery's own transport, pool and request in place of Tidings' (slower, the same guarantees; "
        "[what differs](docs/upgrading-celery.md#celerys-own))",
    )
    debug: bool = Field(
        False,
        description="`1`: for development only: logs show what handlers' errors say, and tracebacks, which may hold buyer data",
    )
    health_dir: Path | None = Field(
        None,
        description="where workers and beats write what `python -m tidings_cli.probe` reads; empty: a folder of this user's "
        "in the system's one for temporary files",
    )
    home: Path = Field(
        Path(".tidings"),
        description="where `up` keeps its Valkey's data and remembers its address, which commands find there",
    )
    installation: str = Field(
        "",
        description="the id of the installation that the Redis has to hold (`check` tells it): another one is refused; empty: "
        "the one that `up` made here, or any at the address that is set",
    )
    _found_at_home: bool = PrivateAttr(False)

    @field_validator("accounts", "home", "health_dir", mode="before")
    @classmethod
    def _in_full(cls, path: object) -> object:
        """A shell's `~` is none in quotes or a unit's file, and a folder of that name is easily removed as what it is not."""
        if not isinstance(path, str):
            return path
        found = os.path.expanduser(path)  # noqa: PTH111 - a text that may be no path
        if found.startswith("~"):
            raise ValueError("there is no home folder that its ~ could be: write the path in full")
        return found

    @field_validator("redis_url")
    @classmethod
    def _usable_redis(cls, url: str) -> str:
        refuse_redis(parse(url))
        return url

    @field_validator("broker_url")
    @classmethod
    def _usable_broker(cls, url: str) -> str:
        url = url.strip()
        if is_redis(url):
            refuse_redis(parse(url))
        elif url:
            looked_at(url)
            if is_amqp(url):
                refuse_amqp(amqp(url))
        return url

    @field_validator("redrive")
    @classmethod
    def _ascending(cls, written: str) -> str:
        _ages(written)
        return written

    @property
    def redrive_ages(self) -> tuple[float, ...]:
        """Ages of dead letters in seconds, ascending."""
        return _ages(self.redrive)

    @property
    def told(self) -> bool:
        """Whether the environment says where the Redis is."""
        return "redis_url" in self.model_fields_set and not self._found_at_home

    @property
    def found_at_home(self) -> bool:
        """Whether it is where `up` has put it, as `home` remembers."""
        return self._found_at_home

    @property
    def redis(self) -> Address:
        """Where state and results are."""
        return parse(self.redis_url)

    @property
    def rabbitmq(self) -> Amqp | None:
        """The broker's address; None when it is no RabbitMQ."""
        return amqp(self.broker_url) if is_amqp(self.broker_url) else None

    @property
    def broker(self) -> Address | None:
        """The broker's address; None when it is no Redis."""
        url = self.broker_url or self.redis_url
        return parse(url) if is_redis(url) else None


@cache
def _ages(written: str) -> tuple[float, ...]:
    """The spans that a text lists, in seconds. Raises `ValueError`."""
    found = [AGE.fullmatch(each.strip()) for each in written.split(",")] if written.strip() else []
    ages = [float(each[1]) * UNITS[each[2]] for each in found if each]
    if len(ages) < len(found) or ages != sorted(set(ages)) or len(ages) > MOST_AGES or (ages and ages[0] <= 0):
        raise ValueError(
            f"write up to {MOST_AGES} spans, each longer than the one before, as 1h,6h,24h (units s, m, h, d)"
        )
    return tuple(ages)


@cache
def settings() -> Settings:
    """The environment's settings, read once a process. Raises `SettingsError` with everything that is wrong."""
    try:
        return _at_home(Settings())
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
    said = [f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg'].removeprefix('Value error, ')}" for fault in faults]
    raise SettingsError("\n".join(said))


WEB_PREFIX = PREFIX + "WEB_"
WEB = ("PASSWORD", "READONLY", "HOSTS", "PROXY", "SECURE")
"""What `tasks.commands.web` reads itself, by the rest of their names."""

OTHERS = {
    "WEBHOOK_": "handlers.webhook",
    "STREAM_": "handlers.stream",
    "DATABASE_": "handlers.database",
    "TIMING_": "handlers.timing",
    "ARCHIVE_": "handlers.archive",
    "TEST_": "tests",
}
"""What begins so belongs to a part of its own, which reads it itself."""


def unknown(environment: Iterable[str]) -> list[str]:
    """What is to be said of each variable that looks like a setting of Tidings and is none."""
    names = [*(PREFIX + name.upper() for name in Settings.model_fields), *(WEB_PREFIX + name for name in WEB)]
    parts = tuple(PREFIX + start for start, part in OTHERS.items() if _is_there(part))
    said = []
    for given in sorted(environment):
        name = given.upper()
        if not name.startswith(PREFIX):
            said += [f"{given} is no setting of Tidings: did you mean {meant}?" for meant in _prefixed(name, names)]
            continue
        if name in names or name.startswith(parts):
            as_written = name.startswith((*parts, WEB_PREFIX))  # all others are read however they are written
            said += [f"{given} is no setting of Tidings: did you mean {name}?"] if as_written and given != name else []
            continue
        first, _, rest = name.removeprefix(PREFIX).partition("_")
        near = get_close_matches(f"{PREFIX}{first}_", parts, 1, 0.9) if rest else []
        meant = [start + rest for start in near] or get_close_matches(name, names, 1, 0.75)
        said.append(
            f"{given} is no setting of Tidings" + (f": did you mean {meant[0]}?" if meant else " and does nothing")
        )
    return said


def _prefixed(name: str, names: Iterable[str]) -> Iterator[str]:
    """The setting that is meant by a name whose rest is right, and whose beginning nearly."""
    starts = tuple(PREFIX + start for start in OTHERS)
    for start in (name.partition("_")[0] + "_", PREFIX.rstrip("_")):
        whole = PREFIX + name.removeprefix(start)
        near = name.startswith(start) and get_close_matches(start, [PREFIX], 1, 0.9)
        if near and (whole in names or whole.startswith(starts)):
            yield whole


CELERYS = ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND")
"""Where Celery's applications take their addresses from; options of its command line set them, too."""


def passed_over(environment: Mapping[str, str]) -> list[str]:
    """What is to be said of the addresses that Celery's other applications would go by, and Tidings does not."""
    named = [name for name in CELERYS if environment.get(name)]
    ours = "TIDINGS_BROKER_URL and TIDINGS_REDIS_URL"
    return [f"{name} is set, here or by an option of Celery's: Tidings goes by {ours} alone" for name in named]


def _is_there(part: str) -> bool:
    try:
        return find_spec(part) is not None
    except ImportError:
        return False


def _at_home(told: Settings) -> Settings:
    """The same with the Redis that `up` has started, when the environment names none."""
    known = None if told.told else remembered(told.home)
    if known is None or not is_redis(known.url):
        return told
    whole = told.model_copy(update={"redis_url": known.url, "installation": told.installation or known.id})
    whole._found_at_home = True
    return whole


def table() -> str:
    """The settings as the README shows them."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if field.default else ""
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows) + "\n"
