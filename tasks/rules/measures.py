"""What is counted for `/metrics`, the names under which it stands in Redis, and the sums that Prometheus gets of it. Pure.

One counter is one field of a hash: what is counted, its gateway, its topic and the rest of its labels, with tabs between them. A
message that is handled well is one step of one counter, whose last part says in which bucket its handler's seconds fell and in
which its lag: so one number tells how many, how fast and how late. Sums of seconds stand apart, in microseconds.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from typing import Any, Literal

from tasks.rules.circuit_breaker import Pause
from tasks.rules.retention import BELIEVED

What = Literal[
    "handled",
    "message",
    "pulled",
    "tries",
    "buried",
    "confirmed",
    "late",
    "unconfirmed",
    "dropped",
    "failed",
    "handler.sum",
    "lag.sum",
]
"""
handled      messages whose handler returned: buckets of its seconds and of the lag
message      messages that ended in any other way: the outcome
pulled       messages that a pull brought
tries        tries of handlers that failed
buried       dead letters: their kind
confirmed    messages that the platform has taken as confirmed
late         messages whose confirm was taken after their lease
unconfirmed  messages that could not be confirmed within it, or were refused
dropped      polls that came too late to be made
failed       calls that failed: the API
….sum        microseconds of all of them
"""

Numbers = dict[str, int]
"""How much to add to each counter, by its field."""

Labels = tuple[str, ...]

HANDLER_EDGES = (0.005, 0.025, 0.1, 0.5, 2.0, 10.0, 60.0)
LAG_EDGES = (1.0, 5.0, 30.0, 120.0, 600.0, 3600.0, 21600.0)
CALL_EDGES = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
"""Upper edges of buckets, in seconds. Few, as each is a line for every topic of every gateway."""

CALLS = ("pull", "confirm")
SLOTS = len(CALL_EDGES) + 3
"""What is kept of a gateway's calls of one kind that were answered, one whole number each: how many fell into each bucket, the
microseconds of all, and when the latest was answered, in milliseconds since the epoch. A row of these for each of `CALLS`."""

MICROS = 1_000_000

LONGEST = 200
"""Characters of a topic that count: a longer one is garbage."""

Reason = Literal["refused", "limits", "dead_letters", "by_hand"]
"""
refused       the platform refuses the account's credentials or settings
limits        a spent quota, a ban, too many calls
dead_letters  too many of its messages would have been buried
by_hand       a person has paused it
"""


def named(what: What, gateway: str, topic: str = "", rest: str = "") -> str:
    """The field of a counter."""
    return f"{what}\t{gateway}\t{topic}\t{rest}"


@lru_cache(1024)
def plain(text: str) -> str:
    """A name from outside as part of a field: short, of letters that Redis's clients can write, without a tab or a line's end."""
    if text.isascii() and text.isprintable() and len(text) <= LONGEST:
        return text
    return " ".join(text[:LONGEST].encode("utf-8", "replace").decode().split())


@lru_cache(1024)
def of_handled(gateway: str, topic: str) -> tuple[str, str, str]:
    """The fields of a topic's handled messages: how each begins that counts them, and the sums of their seconds and lags."""
    topic = plain(topic)
    return named("handled", gateway, topic), named("handler.sum", gateway, topic), named("lag.sum", gateway, topic)


Took = Sequence[Any]
"""How long a handler took that returned, and how long after its publishing (None: nobody knows), in microseconds. Empty for a
message that was not handled, or is counted already."""


def handled(gateway: str, topic: str, seconds: int, lag: int | None) -> Numbers:
    """What a message adds whose handler returned after so many microseconds, `lag` after its publishing (None: nobody knows)."""
    found: defaultdict[str, int] = defaultdict(int)
    add_handled(found, gateway, topic, seconds, lag)
    return dict(found)


def add_handled(found: defaultdict[str, int], gateway: str, topic: str, seconds: int, lag: int | None) -> None:
    """Add the same to what others have added. A lag that nobody believes is of a time that is none: nobody knows it then."""
    if lag is not None and lag > BELIEVED * MICROS:
        lag = None
    counter, of_seconds, of_lags = of_handled(gateway, topic)
    late = "" if lag is None else bisect_left(LAG_EDGES, lag / MICROS)
    found[f"{counter}{bisect_left(HANDLER_EDGES, seconds / MICROS)} {late}"] += 1
    found[of_seconds] += seconds
    if lag is not None:
        found[of_lags] += lag


@dataclass(slots=True)
class Answered:
    """Calls of one gateway that were answered: what they add to its row of numbers, and the latest times, by their places."""

    adds: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    latest: dict[int, int] = field(default_factory=dict)

    def add(self, api: str, seconds: float, now: float) -> None:
        """One more that took so many seconds. Calls of counters are not kept."""
        if api in CALLS:
            first = CALLS.index(api) * SLOTS
            self.adds[first + bisect_left(CALL_EDGES, seconds)] += 1
            self.adds[first + SLOTS - 2] += micros(seconds)
            self.latest[first + SLOTS - 1] = max(self.latest.get(first + SLOTS - 1, 0), round(now * 1000))


def ended(gateway: str, ends: Iterable[tuple[str, str, Took]]) -> Numbers:
    """What messages add when their batch is closed: topic, outcome and how long it took of each. `dead` and `superseded` are
    counted where the mark is written, and `again` is no end."""
    found: defaultdict[str, int] = defaultdict(int)
    for topic, outcome, took in ends:
        match outcome, took:
            case "handled", (int(seconds), int() | None as lag, *_):
                add_handled(found, gateway, topic, seconds, lag)
            case _ if outcome not in MARKED:
                found[named("message", gateway, plain(topic), outcome)] += 1
    return dict(found)


def came(
    gateway: str, topics: Mapping[str, int], handed_out: Mapping[str, int], spoilt: Iterable[str], *, new: bool
) -> Numbers:
    """What a batch adds when it is handed out: how many messages of each topic it brought, all but those given to handlers as
    duplicates, and the outcomes of items that could not be read. One that is handed out again (not `new`) was pulled before."""
    found: defaultdict[str, int] = defaultdict(int)
    for topic, number in topics.items():
        found[named("pulled", gateway, plain(topic))] += number if new else 0
        found[named("message", gateway, plain(topic), "duplicate")] += number - handed_out.get(topic, 0)
    for outcome in spoilt:
        found[named("pulled", gateway)] += int(new)
        found[named("message", gateway, "", outcome)] += 1
    return dict(found)


MARKED = frozenset({"handled", "dead", "superseded", "again"})
"""What is counted where its mark is written, or is no end; `handled` too, where nobody says how long it took."""


def micros(seconds: float) -> int:
    """Seconds as whole microseconds, never less than none: a clock that was set back must not take anything away."""
    return max(0, round(seconds * MICROS))


@dataclass(slots=True)
class Histogram:
    """How many fell into each bucket, the last one without an upper edge, and their sum in seconds."""

    buckets: list[int]
    seconds: float = 0.0

    @property
    def up_to(self) -> list[int]:
        """How many fell below each edge, and then all: as Prometheus wants them."""
        return list(accumulate(self.buckets))


@dataclass(slots=True)
class Measured:
    """All counters by what they count and their labels: gateway, then topic or the rest, then the outcome. `histograms` are
    `pull` and `confirm` by gateway, `handler` and `lag` by gateway and topic."""

    counters: dict[str, dict[Labels, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    histograms: dict[str, dict[Labels, Histogram]] = field(default_factory=lambda: defaultdict(dict))

    def into(self, name: str, labels: Labels, edges: tuple[float, ...]) -> Histogram:
        """The histogram of these labels, a new one where there is none."""
        return self.histograms[name].setdefault(labels, Histogram([0] * (len(edges) + 1)))


BY_TOPIC = ("pulled", "tries")
BY_GATEWAY = ("confirmed", "late", "unconfirmed", "dropped")
BY_REST = ("buried", "failed")
EDGES: Mapping[str, tuple[float, ...]] = {
    "handler": HANDLER_EDGES,
    "lag": LAG_EDGES,
    "pull": CALL_EDGES,
    "confirm": CALL_EDGES,
}
SUMS = {"handler.sum": "handler", "lag.sum": "lag"}


def measured(found: Mapping[str, str], answered: Mapping[str, Sequence[int]] | None = None) -> Measured:
    """The counters of a hash from Redis, and of each gateway the numbers of its calls; what another version has written, and this
    one does not know, is left out."""
    all_ = Measured()
    for name, text in found.items():
        what, *labels = name.split("\t")
        if len(labels) == 3:
            _add(all_, what, *labels, number=int(text))
    for gateway, numbers in (answered or {}).items():
        for at, api in enumerate(CALLS):
            *buckets, seconds, latest = numbers[at * SLOTS : (at + 1) * SLOTS]
            if latest:
                all_.histograms[api][gateway,] = Histogram(buckets, seconds / MICROS)
    return all_


def _add(all_: Measured, what: str, gateway: str, topic: str, rest: str, *, number: int) -> None:
    if what == "handled":
        all_.counters["message"][gateway, topic, "handled"] += number
        seconds, _, lag = rest.partition(" ")
        _put(all_, "handler", (gateway, topic), seconds, number)
        _put(all_, "lag", (gateway, topic), lag, number)
    elif what == "message":
        all_.counters["message"][gateway, topic, rest] += number
    elif what in BY_TOPIC:
        all_.counters[what][gateway, topic] += number
    elif what in BY_REST:
        all_.counters[what][gateway, rest] += number
    elif of := SUMS.get(what):
        all_.into(of, (gateway, topic), EDGES[of]).seconds += number / MICROS
    elif what in BY_GATEWAY:
        all_.counters[what][(gateway,)] += number


def _put(all_: Measured, name: str, labels: Labels, bucket: str, number: int) -> None:
    into = all_.into(name, labels, EDGES[name])
    if bucket.isdigit() and int(bucket) < len(into.buckets):
        into.buckets[int(bucket)] += number


def reason(pause: Pause) -> Reason:
    """Of what kind a pause is."""
    if pause.by_hand:
        return "by_hand"
    if pause.fingerprint:
        return "refused"
    return "dead_letters" if pause.remedy else "limits"
