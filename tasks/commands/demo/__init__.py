"""`celery -A tasks demo`: the main job, end to end, on parts that all come with the package."""

import click

from tasks.commands.group import Command
from tidings_cli.numbers import Whole


@click.command(cls=Command, whose="none")
@click.option("--messages", type=Whole(60, 100_000), default=3000, show_default=True, help="How many to publish.")
@click.option("--keep", is_flag=True, help="Stay up afterwards, to look around.")
@click.pass_context
def demo(ctx: click.Context, messages: int, keep: bool) -> None:
    """Pull, handle and confirm the messages of three simulated platforms, with everything going wrong that may.

    Ends by itself, with a verdict: exit code 0 only if nothing was lost and nothing confirmed early. Nothing of your own
    installation is touched.
    """
    from tasks.commands.demo.run import perform

    ctx.exit(perform(messages, keep=keep))
