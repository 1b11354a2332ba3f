"""`celery -A tasks status`: who is polled how often, what waits, what it costs, and what needs a person's attention."""

import click

from tasks.clock import HOUR
from tasks.commands.group import Command
from tidings_cli.numbers import Between

EVERY, LEAST, MOST = 2.0, 0.2, HOUR
ORDERS = ("attention", "name", "rate", "pulled", "oldest", "waiting", "open", "calls", "points", "cost")


class Every(Between):
    """The seconds between two pictures; what is no number was most likely meant as a pattern."""

    name = "number of seconds; patterns go before --watch"


@click.command(cls=Command)
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each: installation, gateways, accounts.")
@click.option(
    "--watch",
    "seconds",
    type=Every(LEAST, MOST),
    is_flag=False,
    flag_value=EVERY,
    metavar="[SECONDS]",
    help=f"Again and again, every {EVERY:g} seconds if none are given, until Ctrl-C.",
)
@click.option(
    "--sort",
    "order",
    type=click.Choice(ORDERS),
    default="attention",
    show_default=True,
    help="Which accounts come first.",
)
@click.option("--limit", type=click.IntRange(0), help="So many accounts; 0 for all. Otherwise 50, with --json all.")
@click.pass_context
def status(
    ctx: click.Context,
    patterns: tuple[str, ...],
    seconds: float | None,
    order: str,
    limit: int | None,
    *,
    as_json: bool,
) -> None:
    """Show gateways, queues and accounts, those first that need attention; all of them, or those whose names fit a pattern.

    Figures are today's, of the platforms' day (GMT+8). A mark (!) stands before what needs attention: no worker, no beat,
    accounts that are paused, or that nobody polls, handlers that failed and confirms that came late or never in the last ten
    minutes, old messages, a backlog, batches that nobody finishes, a gateway that a person paused without an end, dead letters.
    Only workers: `celery -A tasks inspect ping`.

    Exit code 1 when anything is marked or cannot be read, else 0. With --watch it is 0, as a person ends that.
    """
    from tasks.commands.status.findings import something_to_do
    from tasks.commands.status.showing import Asked, look, show
    from tasks.commands.status.watching import watch

    asked = Asked(patterns, order, limit, as_json)
    if seconds is None:
        picture = look(asked)
        show(picture, asked)
        ctx.exit(int(something_to_do(picture)))
    watch(asked, seconds)
