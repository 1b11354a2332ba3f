"""`celery -A tasks accounts`: who is polled, and who is not and why; works while everything runs."""

import click
from celery.bin.base import CeleryCommand

from tasks.commands.ages import AGE
from tasks.commands.group import Commands

NAMES = click.argument("names", nargs=-1, metavar="[NAME]...")
GATEWAYS = click.option("--gateway", "gateways", multiple=True, metavar="NAME", help="A gateway with all its accounts.")


@click.group(cls=Commands)
def accounts() -> None:
    """Look at accounts, pause and resume them, have them polled now. Workers and beats keep running."""


@accounts.command("list", cls=CeleryCommand)
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--paused", is_flag=True, help="Those that are paused, with reason and remedy.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each.")
def list_(patterns: tuple[str, ...], *, paused: bool, as_json: bool) -> None:
    """Show every account, or those whose names fit a pattern: its state, its next poll, what was done today.

    `failed` are tries of handlers that failed, whatever became of their messages since; where the last one did stands last.
    """
    from tasks.commands.accounts.listing import perform

    perform(patterns, paused=paused, as_json=as_json)


@accounts.command(cls=CeleryCommand)
@NAMES
@GATEWAYS
@click.option("--reason", default="paused by hand", show_default=True, help="What others are to read.")
@click.option(
    "--for", "seconds", type=AGE, metavar="AGE", help="For so long: 90s, 5m, 2h, 3d. Otherwise until `resume`."
)
def pause(names: tuple[str, ...], gateways: tuple[str, ...], reason: str, seconds: float | None) -> None:
    """Call the platform no more for these accounts. What was pulled already is handled and confirmed."""
    from tasks.commands.accounts.steering import pause

    pause(names, gateways, reason, seconds)


@accounts.command(cls=CeleryCommand)
@NAMES
@GATEWAYS
def resume(names: tuple[str, ...], gateways: tuple[str, ...]) -> None:
    """End the pauses of these accounts, whoever put them, and poll now."""
    from tasks.commands.accounts.steering import resume

    resume(names, gateways)


@accounts.command(cls=CeleryCommand)
@NAMES
@click.option(
    "--no-confirm",
    "rehearse",
    is_flag=True,
    help="Rehearse, here and now: pull one batch and hand each message to its handler, but confirm, mark and store nothing.",
)
@click.pass_context
def poll(ctx: click.Context, names: tuple[str, ...], *, rehearse: bool) -> None:
    """Poll these accounts now, without waiting for their time. Exit code 1 for those that are paused.

    With --no-confirm, this command pulls one batch itself, and prints a line for each message: topic, id, outcome, seconds and
    reason, never its content. Each is tried once, in a process of its own; what the handlers do, they do, and what they print
    goes to standard error. The call counts for the gateway's limits. All that was pulled comes again when its lease ends, so
    vv-tool's accounts, which get nothing twice, are refused. Exit code 0 when nothing failed.
    """
    if rehearse:
        from tasks.commands.accounts.rehearsing import perform

        ctx.exit(perform(names))
    from tasks.commands.accounts.steering import poll

    ctx.exit(poll(names))
