"""Commands that tell in one line what keeps them from their work."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from celery.bin.base import CeleryCommand
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from handlers.errors import HandlersError
from tasks.commands.refusals import refusal
from tidings_cli.terminal import forgiving


class Unusable(Exception):
    """A command cannot do its work as things are; the text says why, and what to do."""


@contextmanager
def in_one_line() -> Iterator[None]:
    """Turns into `ClickException` what comes of a Redis, a broker, accounts or parts that cannot be used: exit code 1."""
    from tasks.accounts import AccountsError

    try:
        yield
    except BrokenPipeError:
        raise  # who reads the output has had enough, as `head` does; click ends quietly
    except (Unusable, HandlersError) as error:
        raise click.ClickException(str(error)) from None
    except AccountsError as error:
        raise click.ClickException(f"the accounts cannot be read:\n{error}\n`check` tells more") from None
    except (KombuError, RedisError, ConnectionError) as error:
        what = "the broker" if isinstance(error, KombuError) else "Redis"
        raise click.ClickException(f"{what} {refusal(error, '').text}; `check` tells more") from None


class Telling(click.Command):
    """Ends with a line and exit code 1 when Redis, the broker or the accounts cannot be used."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        forgiving()
        # What could be better in the accounts file is for `check` to say, not for every command.
        logging.getLogger("tasks").addHandler(logging.NullHandler())
        with in_one_line():
            return super().invoke(ctx)


class Commands(Telling, click.Group):
    """A group of commands that end so."""


class Command(Telling, CeleryCommand):
    """A single command that ends so."""
