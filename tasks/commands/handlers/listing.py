"""Topics and their handlers as a table, and as lines of JSON."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import click
from redis.exceptions import RedisError

from handlers import Registry
from handlers.topics import MODELS
from handlers.topics.names import close
from tasks import clock
from tasks.commands.group import look_whose
from tasks.commands.handlers.reading import anything_here, arounds, registered
from tasks.commands.tables import ALWAYS, NONE, Column, json_line, print_table
from tasks.handling.others import stand_in
from tasks.rules.registries import Entry
from tasks.rules.topic_names import Registered, doubts
from tasks.runtime import left_aside, stores
from tasks.store.refusals import refusal
from tasks.text import shown

Counts = Mapping[str, Mapping[Any, int]]
"""How often each topic was `seen` today, and how often `unhandled`."""

NOBODY = "nobody handles it"


@dataclass(frozen=True, slots=True)
class Row:
    """One topic or pattern that is registered, or a topic that came today and is not (`handler` is "").

    The counts are today's messages of all topics that meet this handler; None where Redis does not say.
    """

    topic: str
    pattern: bool
    handler: str
    model: str
    place: str
    seen_today: int | None
    unhandled_today: int | None
    note: str = ""
    key: str = ""
    latest: bool = False
    timeout: float | None = None
    tries: int | None = None
    queue: str = ""
    options: str = ""
    """All of them as they are written."""


COLUMNS: list[Column[Row]] = [
    Column("topic", lambda each: each.topic, number=False),
    Column("handler", lambda each: each.handler or NONE, ALWAYS, number=False),
    Column("model", lambda each: each.model or NONE, 3, number=False),
    Column("options", lambda each: each.options or NONE, 4, number=False),
    Column("defined", lambda each: each.place or NONE, 1, number=False),
    Column("seen", lambda each: NONE if each.seen_today is None else each.seen_today, 5),
    Column("unhandled", lambda each: NONE if each.unhandled_today is None else each.unhandled_today, 6),
    Column("note", lambda each: each.note, number=False),
]


def perform(*, as_json: bool) -> None:
    """Print what is registered and what came today, and where that was counted."""
    look_whose(only_ours=False)
    entries, counts = registered(), today()
    found = list(rows(entries, counts))
    if as_json:
        for each in found:
            json_line(asdict(each))
        return
    if not entries and not anything_here():
        click.echo("TIDINGS_HANDLERS is not set here, and no worker runs whose handlers could be shown", err=True)
    if found:
        print_table(COLUMNS, found)
    if around := arounds():
        click.echo(f"around each of them, the outermost first: {shown(', '.join(around), 1000)}", err=True)
    for told in left_aside() if anything_here() else ():
        click.echo(shown(told, 500), err=True)
    click.echo(f"{len(entries)} topics and patterns are handled; figures are today's", err=True)


def today() -> Counts | None:
    """Today's counts by topic; None, which is told, when Redis cannot say."""
    try:
        return stores().topics.read(now=clock.now(), whats=("seen", "unhandled"))
    except (RedisError, OSError) as error:
        click.echo(f"nothing is counted here: Redis {refusal(error, '').text}", err=True)
        return None


def rows(entries: Iterable[Entry], counts: Counts | None) -> Iterator[Row]:
    """What came and nobody handles, the most first, then what is registered, by topic. Pure."""
    known = {(each.topic, each.fallback): each for each in entries}
    registry = stand_in(known.values())
    met: dict[tuple[str, bool], list[str]] = {}
    unmet: list[str] = []
    for topic in counts or {}:
        handler = registry.find(topic)
        if handler:
            met.setdefault((handler.topic, handler.fallback), []).append(topic)
        else:
            unmet.append(topic)
    yield from sorted((_nobodys(topic, counts or {}, registry) for topic in unmet), key=_loudest)
    slips = notes(known.values(), counts or {})
    for name, each in known.items():
        yield Row(
            each.topic,
            each.pattern,
            each.handler,
            each.model,
            each.place,
            None if counts is None else sum(counts[topic].get("seen", 0) for topic in met.get(name, ())),
            None if counts is None else sum(counts[topic].get("unhandled", 0) for topic in met.get(name, ())),
            slips.get(each.topic, "ships: logs and confirms" if each.fallback else ""),
            each.key,
            each.latest,
            each.timeout,
            each.tries,
            each.queue,
            each.options,
        )


def notes(entries: Iterable[Entry], counts: Counts) -> dict[str, str]:
    """What is to be said of topics and patterns that meet nothing that is known or came today."""
    lot = [Registered(each.topic, each.place, each.pattern) for each in entries if not each.fallback]
    found = doubts(lot, MODELS.keys(), dict.fromkeys(counts, 0))
    return {
        each.registered.topic: f"did you mean {' or '.join(each.meant)}?" if each.meant else "nothing fits it yet"
        for each in found
    }


def _nobodys(topic: str, counts: Counts, registry: Registry) -> Row:
    seen, unhandled = (counts[topic].get(what, 0) for what in ("seen", "unhandled"))
    meant = registry.short_names.meant(topic)
    near = close(topic, [each.topic for each in registry if each.topic not in MODELS])
    may_be = f": it may be {' or '.join(meant)}" if len(meant) > 1 else ""
    slip = f"; {near[0]} is registered: a slip?" if near else ""
    return Row(topic, False, "", "", "", seen, unhandled, f"{NOBODY}{may_be}{slip}")


def _loudest(row: Row) -> tuple[int, str]:
    return -(row.seen_today or 0), row.topic
