"""The command line: who, what, how often."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from tasks.commands.processes.stopping import Interrupted, Stopping
from tasks.sandbox.process import ROOT, running
from tests.bench.throughput import figures, machine, picture, plan, readme, table
from tests.bench.throughput.cases import HANDLERS, Case, Handler
from tests.bench.throughput.contenders import BY_NAME
from tests.bench.throughput.results import Results
from tests.bench.throughput.rounds import Hall
from tests.bench.throughput.starting import Layout
from tests.bench.throughput.verdict import claims

SAVED = ROOT / "build" / "bench" / "throughput.json"


def _layout(_context: click.Context, _option: click.Parameter, text: str | None) -> Layout | None:
    try:
        return None if text is None else plan.layout(text)
    except ValueError:
        raise click.BadParameter("write NODESxEACH and further words, as in '2x8 -P threads'") from None


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice([*plan.PARTS]))
@click.option("--quick", is_flag=True, help="One case, everybody, two rounds: about five minutes.")
@click.option("--contender", "-c", "names", multiple=True, type=click.Choice([*BY_NAME]), help="Only these.")
@click.option("--handler", "-h", "handlers", multiple=True, type=click.Choice([*HANDLERS]), help="Only these handlers.")
@click.option("--batch", type=click.IntRange(10, 200), help="Messages a batch.")
@click.option("--body", type=click.IntRange(100, 10**6), help="Bytes a message.")
@click.option("--rounds", type=click.IntRange(1, 100), help="How often everybody has a turn.")
@click.option("--seconds", type=click.FloatRange(0.5, 300), help="About how long a turn takes, once it is warm.")
@click.option("--minutes", type=click.FloatRange(0.1), default=40.0, show_default=True, help="No turn begins later.")
@click.option(
    "--calm", type=click.FloatRange(0), default=20.0, show_default=True, help="Seconds to wait for a quiet machine."
)
@click.option("--tidings", callback=_layout, metavar="LAYOUT", help="Tidings' workers, as in '2x8 -P threads'.")
@click.option("--commands", is_flag=True, help="List the Redis commands a message by name.")
@click.option("--save", type=click.Path(path_type=Path), default=SAVED, help="The results, as JSON.")
@click.option("--draw", type=click.Path(path_type=Path), help="Draw the results into this PNG.")
@click.option("--readme", "for_readme", is_flag=True, help="Print README.md's table, too.")
@click.option("--show", type=click.Path(path_type=Path, exists=True), help="Show these results; measure nothing.")
def main(
    parts: tuple[str, ...],
    quick: bool,
    names: tuple[str, ...],
    handlers: tuple[Handler, ...],
    batch: int | None,
    body: int | None,
    rounds: int | None,
    seconds: float | None,
    minutes: float,
    calm: float,
    tidings: Layout | None,
    commands: bool,
    save: Path,
    draw: Path | None,
    for_readme: bool,
    show: Path | None,
) -> None:
    """Measure Tidings and what might be picked instead. PARTS: base, wire, work, sizes, scale, keys, latency; all, unless told.

    Exit code 0 if everything that was to be shown of what was measured is shown.
    """
    if draw is not None:
        picture.must_be_there()
    if show is not None:
        results = Results.load(show)
    else:
        asked = handlers or batch or body
        cases = [Case(handler, batch or 100, body or 512) for handler in handlers or ("noop",)] if asked else ()
        found = plan.chosen(
            parts, quick=quick, names=names, cases=cases, rounds=rounds, seconds=seconds, tidings=tidings
        )
        results = measured(list(found.values()), minutes * 60, calm)
        results.save(save)
    for line in table.everything(results):
        click.echo(line)
    if commands:
        tell_commands(results)
    if for_readme:
        click.echo("\n".join(readme.table(results)))
    if draw is not None:
        picture.draw(results, draw)
        click.echo(f"drawn: {draw}")
    sys.exit(0 if results.speeds and all(claim.holds for claim in claims(results)) else 1)


def measured(parts: Sequence[plan.Part], seconds: float, calm: float) -> Results:
    """Have all turns of these parts; what was measured until Ctrl-C where that comes."""
    results = Results(machine.described())
    with Stopping() as stopping, running() as control:
        hall = Hall(control, stopping, results, click.echo, seconds=seconds, calm=calm)
        try:
            for part in parts:
                hall.play(part)
        except Interrupted as asked:
            results.left_out.append(f"what came after {asked}")
    return results


def tell_commands(results: Results) -> None:
    """Say which Redis commands a message took."""
    for case in results.cases():
        for name, some in figures.by_contender(results.speeds, case).items():
            click.echo(f"{case.title}: {name}: {figures.shares(some[-1].commands, some[-1].messages)}")


if __name__ == "__main__":
    main()
