"""`celery -A tasks handlers`: which topics there are, and who handles them."""

import click
from celery.bin.base import CeleryCommand

from tasks.commands.group import Commands

AS_JSON = click.option("--json", "as_json", is_flag=True, help="One line of JSON for each.")


@click.group(cls=Commands, invoke_without_command=True)
@AS_JSON
@click.pass_context
def handlers(ctx: click.Context, *, as_json: bool) -> None:
    """Look at topics and their handlers; without a command of its own, `list`."""
    if ctx.invoked_subcommand is None:
        from tasks.commands.handlers.listing import perform

        perform(as_json=as_json)


@handlers.command("list", cls=CeleryCommand)
@AS_JSON
def list_(*, as_json: bool) -> None:
    """Show each topic and pattern with its handler, its model, where it is defined and what came of it today.

    Topics that arrived today and that nobody handles come first. Without TIDINGS_HANDLERS, what a running worker has is shown.
    """
    from tasks.commands.handlers.listing import perform

    perform(as_json=as_json)
