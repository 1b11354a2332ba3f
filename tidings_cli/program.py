"""The program `tidings`: our commands and Celery's, for this application wherever one stands."""

from importlib.metadata import version
from typing import Any

import click
from celery.bin.celery import celery

from tidings_cli.commands import COMMANDS, enter
from tidings_cli.ours import own, refuse_nowhere
from tidings_cli.quiet import ready
from tidings_cli.terminal import forgiving

KEPT = {"workdir", "no_color", "quiet", "skip_checks"}
"""Celery's own options that mean something here too."""

DETACHED = {"-D", "--detach"}
KEEPERS = "let `tidings up`, systemd or a container keep workers running"


class Program(click.Group):
    """Our commands first, then those that come with Celery or plug into it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return [*COMMANDS, *(name for name in celery.list_commands(ctx) if name not in COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        return COMMANDS.get(cmd_name) or celery.get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is asked for; Celery knows how to say which one may be meant."""
        if args[0] == "multi" or (args[0] == "worker" and DETACHED.intersection(args)):
            asked = "multi" if args[0] == "multi" else "worker --detach"
            raise click.UsageError(
                f"`{asked}` would start anew as `celery`, which need not find Tidings: {KEEPERS}", ctx
            )
        if command := COMMANDS.get(args[0]):
            return args[0], command, args[1:]
        return celery.resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, ours apart from the rest."""
        names = self.list_commands(ctx)
        limit = formatter.width - 6 - max(map(len, names))
        for title, some in (("Tidings", names[: len(COMMANDS)]), ("Celery", names[len(COMMANDS) :])):
            commands = [(name, self.get_command(ctx, name)) for name in some]
            with formatter.section(title):
                formatter.write_dl([(name, each.get_short_help_str(limit)) for name, each in commands if each])


def tell_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    """Print the versions, and end."""
    if asked:
        click.echo(f"tidings {version('tidings')} (celery {version('celery')})")
        ctx.exit()


@click.command(
    cls=Program,
    invoke_without_command=True,
    params=[
        *(option for option in celery.params if option.name in KEPT),
        click.Option(["--version"], is_flag=True, is_eager=True, expose_value=False, callback=tell_version),
        click.Option(["-A", "--app"], hidden=True),
    ],
)
def program(app: str | None, **options: Any) -> None:
    """Tidings: pulls the messages of shops, hands each to your handler, confirms what was handled.

    These are the commands of `celery -A tasks …`, and they find Tidings whatever stands in the current folder.
    """
    if app not in (None, "tasks"):
        raise click.UsageError(f"`tidings` is always Tidings; for another application there is `celery -A {app}`")
    forgiving()
    others = dict.fromkeys(("broker", "result_backend", "loader", "config"))
    if celery.callback:  # what Celery's own program does first, in this program's context
        ours = own("tasks").app
        ready()
        celery.callback(app=ours, version=False, **options, **others)
        refuse_nowhere()
        enter(ours)
