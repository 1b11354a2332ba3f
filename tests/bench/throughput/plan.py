"""What one run measures, part by part. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.bench.throughput.cases import BASE, KEYED, WIRE, Case
from tests.bench.throughput.contenders import ALL, EVERYBODY, SCALED, US, WIRED, Contender
from tests.bench.throughput.starting import Layout

LOADS = (0.1, 0.5)
"""Shares of its own top rate at which a contender's latency is measured."""


@dataclass(frozen=True, slots=True)
class Part:
    """These contenders at these cases, in so many rounds of turns that take about so many seconds each. With `loads`, each
    contender's latency at these shares of its top rate is measured instead, once, as soon as that rate is known."""

    cases: tuple[Case, ...]
    contenders: tuple[Contender, ...]
    rounds: int
    seconds: float
    loads: tuple[float, ...] = ()


PARTS = {
    "base": Part((BASE,), EVERYBODY, 3, 5.0),
    "wire": Part((replace(WIRE, delay_ms=0), replace(WIRE, accounts=BASE.accounts), WIRE), WIRED, 1, 5.0),
    "work": Part((Case("cpu"), Case("io")), ALL, 1, 10.0),
    "sizes": Part((Case(batch=200), Case(body=5 * 1024), Case(body=50 * 1024)), WIRED, 1, 4.0),
    "scale": Part((BASE,), SCALED, 2, 5.0),
    "keys": Part((BASE, KEYED), (ALL[0],), 3, 5.0),
    "latency": Part((BASE,), ALL, 1, 8.0, LOADS),
}
"""Everything, in this order."""

QUICK = {"base": replace(PARTS["base"], rounds=2, seconds=3.0)}


def chosen(
    parts: Sequence[str],
    *,
    quick: bool = False,
    names: Sequence[str] = (),
    cases: Sequence[Case] = (),
    rounds: int | None = None,
    seconds: float | None = None,
    tidings: Layout | None = None,
) -> dict[str, Part]:
    """The parts of these names, all when there are none, with what was asked for changed: only these contenders, only these
    cases, so many rounds and seconds, and another layout of ours."""
    some = QUICK if quick else PARTS
    if cases:
        some = {"base": replace(some["base"], cases=tuple(cases))}
    found = {name: part for name, part in {**PARTS, **some}.items() if name in (parts or some)}
    for name, part in found.items():
        contenders = tuple(one for one in part.contenders if not names or one.name in names)
        found[name] = replace(
            part,
            contenders=tuple(_laid_out(one, tidings) for one in contenders),
            rounds=rounds or part.rounds,
            seconds=seconds or part.seconds,
        )
    return found


def _laid_out(contender: Contender, layout: Layout | None) -> Contender:
    if layout is None or contender.name != US:
        return contender
    return replace(contender, layouts={"noop": layout})


def layout(text: str) -> Layout:
    """A layout written as NODESxEACH and further words: `2x8 -P threads`; 0 tasks each is the default. Raises `ValueError`."""
    size, *words = text.split()
    nodes, _, each = size.partition("x")
    return Layout(int(nodes), int(each or 0), tuple(words))
