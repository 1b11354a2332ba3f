"""`celery -A tasks handlers`: which topics there are, who handles them, and one message through a handler by itself."""

import faulthandler
from typing import IO

import click
from celery.bin.base import CeleryCommand

from tasks.commands.group import Commands
from tasks.commands.options import CONTENT

AS_JSON = click.option("--json", "as_json", is_flag=True, help="One line of JSON for each.")


@click.group(cls=Commands, whose="none", invoke_without_command=True)
@AS_JSON
@click.pass_context
def handlers(ctx: click.Context, *, as_json: bool) -> None:
    """Look at topics and their handlers, and try one; without a command of its own, `list`."""
    if not faulthandler.is_enabled():
        faulthandler.enable(2)  # a crash in a C library, also while modules are imported, says where it was
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


@handlers.command(cls=CeleryCommand)
@click.argument("topic")
def sample(topic: str) -> None:
    """Print a valid content of a topic that has a payload model. Everybody in it is invented.

    A topic may be named by its last part: TradeBuyerPay.
    """
    from tasks.commands.handlers.sampling import perform

    perform(topic)


@handlers.command("try", cls=CeleryCommand)
@click.argument("topic")
@CONTENT
@click.option(
    "--account",
    metavar="NAME",
    help="The account that the message names, with its extra; default: a made-up one.",
)
@click.pass_context
def try_(ctx: click.Context, topic: str, content: IO[bytes] | None, account: str | None) -> None:
    """Hand one message to its handler.

    It is a valid sample of the topic, or a file's text; neither Redis nor a platform is needed, nothing is stored or confirmed.
    The handler runs in a process of its own, under its time limit, as in a worker: what kills or hangs that is told. Prints
    outcome and time, and for what was raised the exception and its place; its traceback goes to standard error. What the
    handler itself does, it does. Exit code 0 when the message was handled, else 1.
    """
    from tasks.commands.handlers.trying import perform

    ctx.exit(perform(topic, content, account))
