"""`celery -A tasks letters`: what no handler could take, to be looked at, replayed or dropped."""

import click
from celery.bin.base import CeleryCommand

from tasks.clock import DAY
from tasks.commands.group import Commands
from tasks.commands.letters.choice import Choice, choosing
from tidings_cli.numbers import Between

WAIT_SECONDS = 60.0


@click.group(cls=Commands)
def letters() -> None:
    """Look at dead letters: messages that no handler could take. Replay them when the cause is gone, or drop them."""


@letters.command("list", cls=CeleryCommand)
@choosing()
@click.option("--most", type=click.IntRange(1), help="Show no more than so many, the oldest first.")
@click.option("--groups", is_flag=True, help="Only how many there are of each reason and topic.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each.")
def list_(choice: Choice, most: int | None, *, groups: bool, as_json: bool) -> None:
    """Show which letters there are, the oldest first; all of them unless some are chosen. No content is shown.

    Where letters share a reason, a table of reasons and topics stands first, the most frequent on top; * stands for what differs
    from letter to letter, and --reason takes it so.
    """
    from tasks.commands.letters.showing import show_groups, show_list

    if groups:
        show_groups(choice, most, as_json=as_json)
    else:
        show_list(choice, most, as_json=as_json)


@letters.command(cls=CeleryCommand)
@click.argument("id_", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As one line of JSON.")
def show(id_: str, *, as_json: bool) -> None:
    """Show everything about one letter, with its content and the traceback."""
    from tasks.commands.letters.showing import show_one

    show_one(id_, as_json=as_json)


@letters.command(cls=CeleryCommand)
@choosing()
def export(choice: Choice) -> None:
    """Write letters with all that is in them as lines of JSON; all of them unless some are chosen."""
    from tasks.commands.letters.showing import write_all

    write_all(choice)


@letters.command(cls=CeleryCommand)
@choosing(needed=True)
@click.option("--no-wait", is_flag=True, help="Send them, and do not wait for what becomes of them.")
@click.option(
    "--seconds",
    type=Between(0, DAY),
    default=WAIT_SECONDS,
    show_default=True,
    help="Stop waiting when no letter has ended for so long.",
)
@click.pass_context
def replay(ctx: click.Context, choice: Choice, seconds: float, *, no_wait: bool) -> None:
    """Hand the messages of letters to their handlers once more.

    A letter leaves when its message is handled; the others stay, with the new reason. Exit code 1 when some stay.
    """
    from tasks.commands.letters.replaying import perform

    ctx.exit(perform(choice, None if no_wait else seconds))


@letters.command(cls=CeleryCommand)
@choosing(needed=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def drop(ctx: click.Context, choice: Choice, *, yes: bool) -> None:
    """Throw letters away, for good: their messages are confirmed already and do not come again."""
    from tasks.commands.letters.dropping import perform

    ctx.exit(perform(choice, yes=yes))
