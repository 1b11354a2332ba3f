"""`celery -A tasks up`: everything that one machine needs, in one command."""

from contextlib import suppress

import click

from tasks.commands.group import Command, in_json_if_asked

LEVELS = click.Choice(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], case_sensitive=False)
FLOWER_PORT = 5555


@click.command(cls=Command, whose="none")
@click.option("-c", "--concurrency", type=click.IntRange(1), help="How many handlers run at a time.")
@click.option("-l", "--loglevel", type=LEVELS, default="INFO", show_default=True, help="What workers and beat log.")
@click.option(
    "--flower",
    type=click.IntRange(1, 65535),
    is_flag=False,
    flag_value=FLOWER_PORT,
    metavar="[PORT]",
    help=f"Run Flower too, on 127.0.0.1 and this port ({FLOWER_PORT} if none is given).",
)
def up(concurrency: int | None, loglevel: str, flower: int | None) -> None:
    """Run a pull worker, a handle worker and beat on this machine, with a Valkey of their own.

    The Valkey comes with the package and keeps its data in .tidings/ (TIDINGS_HOME). If TIDINGS_REDIS_URL is set, that Redis
    is used instead. A process that ends is started again. Ctrl-C stops everything.
    """
    from tasks.commands.up.machine import Machine

    in_json = in_json_if_asked(logs=True)

    def say(text: str) -> None:
        with suppress(OSError):  # a log on a full disk, or one that nobody reads any more, stops nothing that runs
            if in_json:
                from tasks.logs.streams import tell

                tell("up", text)
            else:
                click.echo(f"up: {text}", err=True)

    Machine(concurrency=concurrency, loglevel=loglevel, flower=flower, say=say).run()
