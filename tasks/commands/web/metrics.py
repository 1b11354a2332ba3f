"""What `/metrics` answers: the counters of Redis as they are, and gauges that are read in the background, as Prometheus's text.

The lists below are all that there is: name, labels and what each tells; docs/metrics.md says more of each.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from redis.exceptions import RedisError

from tasks.commands.web import gauges, health
from tasks.commands.web.gauges import Gauges
from tasks.rules.measures import EDGES, Histogram, Measured
from tasks.runtime import stores

READ_SECONDS = 10.0
"""Gauges are read anew after so long, by a thread beside the answer."""

OLD_SECONDS = 60.0
"""Gauges older than this are no answer: nobody has asked for a while, and who asks now waits for new ones."""

Labelled = Mapping[Any, float]
Series = tuple[str, tuple[str, ...], str]
"""What Redis calls it, its labels, and what it tells."""

COUNTERS: dict[str, Series] = {
    "tidings_messages": (
        "message",
        ("gateway", "topic", "outcome"),
        "Messages by what became of them: handled, duplicate, superseded, ignored, dead, failed or late.",
    ),
    "tidings_pulled": ("pulled", ("gateway", "topic"), "Messages that pulls brought."),
    "tidings_failed_tries": (
        "tries",
        ("gateway", "topic"),
        "Tries of handlers that raised, took too long or were killed.",
    ),
    "tidings_buried": ("buried", ("gateway", "kind"), "Messages that became dead letters, by kind."),
    "tidings_confirmed": ("confirmed", ("gateway",), "Messages that the platform has taken as confirmed."),
    "tidings_late_confirms": (
        "late",
        ("gateway",),
        "Messages that the platform took as confirmed after their lease had ended.",
    ),
    "tidings_unconfirmed": (
        "unconfirmed",
        ("gateway",),
        "Messages that could not be confirmed within their lease, or were refused.",
    ),
    "tidings_dropped_polls": ("dropped", ("gateway",), "Polls that no worker took in time, and that were not made."),
    "tidings_failed_calls": ("failed", ("gateway", "api"), "Calls that failed or were refused by the platform."),
}
HISTOGRAMS: dict[str, Series] = {
    "tidings_pull_seconds": ("pull", ("gateway",), "How long calls for messages took."),
    "tidings_confirm_seconds": ("confirm", ("gateway",), "How long confirm calls took."),
    "tidings_handler_seconds": ("handler", ("gateway", "topic"), "How long handlers took that ended well."),
    "tidings_lag_seconds": ("lag", ("gateway", "topic"), "From a message's publishing to the end of its handler."),
}


@dataclass(frozen=True, slots=True)
class Gauge:
    """Something that goes up and down: its labels, what it tells, and where it stands among all that was read."""

    labels: tuple[str, ...]
    tells: str
    of: Callable[[Gauges], Labelled | float | None]


GAUGES: dict[str, Gauge] = {
    "tidings_accounts": Gauge(("gateway",), "Accounts that are polled.", lambda now: now.accounts),
    "tidings_active_accounts": Gauge(
        ("gateway",), "Those of them that nobody has paused by hand.", lambda now: now.active
    ),
    "tidings_open_batches": Gauge(
        ("gateway",), "Batches that are pulled and not yet confirmed.", lambda now: now.open_batches
    ),
    "tidings_oldest_message_seconds": Gauge(
        ("gateway",), "Age of the oldest message in an open batch, 0 without one.", lambda now: now.oldest
    ),
    "tidings_queue_length": Gauge(("queue",), "Task messages that no worker has taken.", lambda now: known(now.queues)),
    "tidings_queue_workers": Gauge(("queue",), "Workers that take from the queue.", lambda now: now.queue_workers),
    "tidings_in_hand": Gauge((), "Task messages that workers have taken.", lambda now: now.in_hand),
    "tidings_used_today": Gauge(
        ("gateway", "unit"), "Calls and points used of the platforms' day (GMT+8).", lambda now: now.used
    ),
    "tidings_limit_today": Gauge(
        ("gateway", "unit"), "What the accounts file allows for a day.", lambda now: now.limits
    ),
    "tidings_left_today": Gauge(("gateway", "unit"), "What is left of that.", lambda now: now.left),
    "tidings_letters": Gauge(("kind",), "Dead letters that are kept.", lambda now: now.letters),
    "tidings_oldest_letter_seconds": Gauge(
        (), "Age of the oldest dead letter, 0 without one.", lambda now: now.oldest_letter
    ),
    "tidings_paused_accounts": Gauge(("reason",), "Accounts that are paused.", lambda now: now.paused),
    "tidings_paused_gateway": Gauge(
        ("gateway", "reason"),
        "1 while the gateway is paused.",
        lambda now: dict.fromkeys(now.paused_gateways.items(), 1),
    ),
    "tidings_last_pull_age_seconds": Gauge(
        ("gateway",), "Since any of its accounts got a reply to a pull.", lambda now: now.last_pull
    ),
    "tidings_overdue_accounts": Gauge(
        (), "Accounts that have been due for more than 10 s and were not sent.", lambda now: now.overdue
    ),
    "tidings_beat_late_seconds": Gauge(
        (), "For how long the account that is due first has been due.", lambda now: now.late
    ),
    "tidings_workers": Gauge((), "Workers that were there within 20 s.", lambda now: now.workers),
    "tidings_beats": Gauge((), "Beats that were there within 20 s.", lambda now: now.beats),
    "tidings_clock_skew_seconds": Gauge(
        (), "How far the clock of a worker's or beat's machine is from Redis's at the most.", lambda now: now.skew
    ),
    "tidings_attention": Gauge(
        ("account", "need"),
        "1 for each account that needs attention, the 100 most urgent.",
        lambda now: dict.fromkeys(now.attention, 1),
    ),
    "tidings_attention_accounts": Gauge(
        ("need",), "Accounts that need attention, all of them.", lambda now: now.attention_accounts
    ),
}
OWN: dict[str, Series] = {
    "tidings_redis_up": ("", (), "1 when the Redis of the state has answered; else nothing but this is told."),
    "tidings_picture_age_seconds": ("", (), "How old the gauges are, which are read in the background."),
    "tidings_build_info": ("", ("version",), "1, with the version of Tidings that answers."),
}


def known(numbers: Mapping[str, int | None]) -> dict[str, int]:
    """Those that could be told."""
    return {name: number for name, number in numbers.items() if number is not None}


@dataclass(frozen=True, slots=True)
class Shown:
    """All that one answer tells: counters, gauges and their age in seconds; without them, that Redis does not answer."""

    version: str
    measured: Measured | None = None
    gauges: Gauges | None = None
    age: float = 0.0


class Collector:
    """Gives prometheus-client what is shown."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    def collect(self) -> Iterator[Metric]:
        """Every metric, in the order of the lists."""
        shown, up = self._shown, self._shown.measured is not None
        if shown.measured:
            yield from counters(shown.measured)
            yield from histograms(shown.measured)
        if shown.gauges:
            yield from (family(name, each.labels, each.tells, each.of(shown.gauges)) for name, each in GAUGES.items())
        own: dict[str, Labelled | float] = {"tidings_redis_up": float(up), "tidings_build_info": {shown.version: 1}}
        if shown.gauges:
            own["tidings_picture_age_seconds"] = shown.age
        yield from (family(name, OWN[name][1], OWN[name][2], value) for name, value in own.items())


def counters(measured: Measured) -> Iterator[Metric]:
    """Every counter."""
    for name, (what, labels, tells) in COUNTERS.items():
        metric = CounterMetricFamily(name, tells, labels=labels)
        for values, number in measured.counters.get(what, {}).items():
            metric.add_metric(values, number)
        yield metric


def histograms(measured: Measured) -> Iterator[Metric]:
    """Every histogram."""
    for name, (what, labels, tells) in HISTOGRAMS.items():
        metric, edges = HistogramMetricFamily(name, tells, labels=labels), [*map(str, EDGES[what]), "+Inf"]
        for values, found in measured.histograms.get(what, {}).items():
            metric.add_metric(values, list(zip(edges, found.up_to, strict=True)), sum_value=sum_of(found))
        yield metric


def sum_of(found: Histogram) -> float:
    """The sum of the seconds, rounded: more digits tell nothing and take room."""
    return round(found.seconds, 3)


def family(name: str, labels: tuple[str, ...], tells: str, value: Labelled | float | None) -> Metric:
    """A gauge with its samples; without any where nobody can tell."""
    metric = GaugeMetricFamily(name, tells, labels=labels)
    numbers = value if isinstance(value, Mapping) else {} if value is None else {(): value}
    for values, number in numbers.items():
        metric.add_metric([values] if isinstance(values, str) else values, number)
    return metric


def render(shown: Shown) -> bytes:
    """Prometheus's text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector(shown))
    return generate_latest(registry)


class Picture:
    """The gauges of this process, read again in the background while somebody asks for them."""

    def __init__(self, read: Callable[[], Gauges], clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._reading = threading.Lock()
        self._known: tuple[float, Gauges] | None = None

    def get(self) -> tuple[Gauges, float]:
        """The gauges and their age in seconds. Raises `RedisError` when there are none to be had."""
        found = self._known
        if found is None or self._clock() - found[0] > OLD_SECONDS:
            with self._reading:
                if self._known is found:
                    self._look()
        elif self._clock() - found[0] > READ_SECONDS and self._reading.acquire(blocking=False):
            self._aside()
        at, known_ = self._known or (0.0, Gauges())
        return known_, self._clock() - at

    def begin(self) -> None:
        """Read them for the first time, aside: who asks first does not wait for what a fresh process has to load, too."""
        if self._reading.acquire(blocking=False):
            self._aside()

    def _aside(self) -> None:
        try:
            threading.Thread(target=self._look_aside, name="metrics", daemon=True).start()
        except RuntimeError:  # the system has no thread for it now; they grow old, and whoever asks then reads them
            self._reading.release()

    def _look(self) -> None:
        found = self._read()
        self._known = self._clock(), found

    def _look_aside(self) -> None:
        try:
            self._look()
        except (RedisError, OSError):
            pass  # they grow old, and whoever asks then is told why
        finally:
            self._reading.release()


@cache
def picture() -> Picture:
    """The one of this process."""
    return Picture(gauges.read)


def look() -> Shown:
    """What there is to show now."""
    version = metadata.version("tidings")
    try:
        health.client().ping()  # a Redis that hangs is asked once: the others try again for longer than Prometheus waits
        found, age = picture().get()
        return Shown(version, stores().measures.read(), found, age)
    except (RedisError, OSError):
        return Shown(version)


def exposition() -> tuple[bytes, str]:
    """The body of `/metrics` and its content type. It raises nothing: without Redis, it says so."""
    return render(look()), CONTENT_TYPE_PLAIN_0_0_4
