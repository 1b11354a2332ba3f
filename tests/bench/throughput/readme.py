"""README.md's table: messages a second of one worker, of a pull and a handle worker, and of the fastest peer, a row a case."""

from collections.abc import Iterator

from tests.bench.throughput import figures
from tests.bench.throughput.cases import BASE, Case
from tests.bench.throughput.contenders import APART, BY_NAME, US
from tests.bench.throughput.results import Results

HEAD = """\
| the platform answers | accounts | bodies | one worker | pull and handle workers | fastest other |
|---|---|---|---|---|---|"""


def table(results: Results) -> Iterator[str]:
    """The lines of the table, in the order of the cases: handlers that do nothing, batches of the usual size."""
    yield HEAD
    for case in results.cases():
        if case.handler == "noop" and case.batch == BASE.batch:
            yield _row(results, case)


def _row(results: Results, case: Case) -> str:
    found = figures.by_contender(results.speeds, case)
    rates = {name: figures.middle(some, lambda one: one.rate) for name, some in found.items()}
    peers = {name: rate for name, rate in rates.items() if name != US and BY_NAME[name].compared}
    fastest = max(peers, key=peers.__getitem__, default="")
    ours = [f"{rates[name]:,.0f}" if name in rates else "" for name in (US, APART)]
    other = f"{peers[fastest]:,.0f}, {BY_NAME[fastest].title.partition(',')[0]}" if fastest else ""
    when = f"after {case.delay_ms} ms" if case.delay_ms else "at once"
    return f"| {when} | {case.accounts} | {case.body / 1024:g} kB | {' | '.join(ours)} | {other} |"
