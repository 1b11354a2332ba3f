"""`celery -A tasks sandbox`: the three platforms, simulated, and what is put into them."""

from typing import IO

import click
from celery.bin.base import CeleryCommand
from click.core import ParameterSource

from tasks.commands.group import Commands
from tasks.commands.options import CONTENT
from tasks.sandbox.launch import launch, options
from tasks.sandbox.sample import PORT
from tidings_cli.numbers import Whole

MOST = 100_000
"""Messages of one `publish`, about as many as fit one request to the sandbox."""

URL = click.option("--url", metavar="URL", help="Where the sandbox is, if not on this machine.")
AT_PORT = click.option("--port", type=click.IntRange(1, 65535), metavar="PORT", help="Its port on this machine.")


@click.group(cls=Commands, whose="none", invoke_without_command=True)
@options
@click.pass_context
def sandbox(ctx: click.Context, host: str, port: int, lease: float | None, *, quiet: bool, with_parent: bool) -> None:
    """Simulate Taobao, Qianmi and vv-tool on one port, to try out handlers without an account anywhere.

    Prints an accounts file that fits, and how to go on. Faults are set and the ledger read under /sandbox/.
    """
    if ctx.invoked_subcommand is None:
        launch(host, port, lease, quiet=quiet, with_parent=with_parent)


@sandbox.command(cls=CeleryCommand)
@click.argument("topic")
@CONTENT
@click.option("--account", metavar="NAME", help="Whose message it is, from the accounts file.")
@click.option("--count", type=Whole(1, MOST), default=1, show_default=True, help="So many messages.")
@URL
@AT_PORT
@click.pass_context
def publish(
    ctx: click.Context,
    topic: str,
    content: IO[bytes] | None,
    account: str | None,
    count: int,
    url: str | None,
    port: int | None,
) -> None:
    """Put messages into a running sandbox.

    Each is a valid sample of the topic, of another trade, item or refund than the one before, or the text of a file. A topic
    may be named by its last part: TradeBuyerPay.

    Without --account they go to the first account in the accounts file whose platform has such messages, or, where there is no
    such file, to the app that the sandbox begins with. The sandbox is where that account is polled, if that is on this machine
    and nothing else is said.
    """
    from tasks.commands.sandbox.publishing import perform

    perform(topic, content, account, count, url or _told(ctx, port))


@sandbox.command(cls=CeleryCommand)
@URL
@AT_PORT
@click.pass_context
def accounts(ctx: click.Context, url: str | None, port: int | None) -> None:
    """Print an accounts file that fits.

    Ready to be used, without a secret to set: `celery -A tasks sandbox accounts > accounts.toml`. The sandbox need not run yet.
    """
    from tasks.commands.sandbox.fitting import perform

    perform(url or _told(ctx, port) or f"http://127.0.0.1:{PORT}")


def _told(ctx: click.Context, port: int | None) -> str | None:
    """A sandbox at the port that was told; it may stand before the subcommand too, as where the sandbox is started."""
    if port is None and ctx.parent and ctx.parent.get_parameter_source("port") is not ParameterSource.DEFAULT:
        port = ctx.parent.params["port"]
    return None if port is None else f"http://127.0.0.1:{port}"
