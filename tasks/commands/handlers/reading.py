"""Reads what is known of topics and of the workers' handlers; for `handlers`, `status` and `check`."""

from handlers.loading import anything
from tasks.commands.handlers.telling import Unhandled
from tasks.handling.others import stand_in
from tasks.rules import registries
from tasks.rules.registries import Entry, Node, entries
from tasks.runtime import registry, stores
from tasks.settings import settings


def unhandled(now: float) -> Unhandled:
    """What nobody handled today. A topic is mended once every worker that runs has a handler for it."""
    found = stores().topics.read(now=now, whats=("unhandled",))
    counts = sorted(
        ((topic, number["unhandled"]) for topic, number in found.items()), key=lambda each: (-each[1], each[0])
    )
    lots = stores().registries.read(each.fingerprint for each in nodes()) if counts else {}
    made = [stand_in(lot) for lot in lots.values()]
    mended = {topic for topic in found if made and all(lot.find(topic) for lot in made)}
    return Unhandled(
        {topic: number for topic, number in counts if topic not in mended},
        {topic: number for topic, number in counts if topic in mended},
    )


def nodes() -> list[Node]:
    """The workers that run handlers."""
    present = (each for each in stores().presences.read() if each.kind == "worker" and each.handlers)
    return [Node(each.name, each.since, each.handlers) for each in present]


def strangers() -> list[registries.Stranger]:
    """The workers whose handlers are not those of the others."""
    found = nodes()
    if len({each.fingerprint for each in found}) < 2:
        return []
    known = stores().registries.read(each.fingerprint for each in found)
    return registries.strangers(found, known)


def arounds() -> tuple[str, ...]:
    """What runs around every handler here, by name and place, the outermost first. Raises as `registered` does."""
    return tuple(f"{each.name} ({each.place})" for each in registry().arounds) if anything_here() else ()


def registered() -> tuple[Entry, ...]:
    """What TIDINGS_HANDLERS and installed packages register here; without both, what the worker that started last has.

    Raises `HandlersError` for modules that cannot be imported.
    """
    if anything_here():
        return entries(registry())
    found = sorted(nodes(), key=lambda each: each.since)
    known = stores().registries.read(each.fingerprint for each in found[-1:])
    return next(iter(known.values()), ())


def anything_here() -> bool:
    """Whether this process has handlers to load."""
    return anything(settings().handlers.split(","))
