"""Commands that tell in one line what keeps them from their work."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from celery.bin.base import CeleryCommand
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from tasks.commands.masking import masked
from tasks.text import shown


@contextmanager
def in_one_line() -> Iterator[None]:
    """Turns into `ClickException` what comes of a Redis, a broker or accounts that cannot be used: a line, exit code 1."""
    from tasks.accounts import AccountsError

    try:
        yield
    except BrokenPipeError:
        raise  # who reads the output has had enough, as `head` does; click ends quietly
    except AccountsError as error:
        raise click.ClickException(f"the accounts cannot be read:\n{error}\n`check` tells more") from None
    except KombuError as error:
        said = shown(masked(str(error)), 500)
        raise click.ClickException(f"the broker does not take tasks: {said}; `check` tells more") from None
    except (RedisError, ConnectionError) as error:
        said = shown(masked(str(error)), 500)
        raise click.ClickException(f"Redis does not answer: {said}; `check` tells more") from None


class Telling(click.Command):
    """Ends with a line and exit code 1 when Redis, the broker or the accounts cannot be used."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        # What could be better in the accounts file is for `check` to say, not for every command.
        logging.getLogger("tasks").addHandler(logging.NullHandler())
        with in_one_line():
            return super().invoke(ctx)


class Commands(Telling, click.Group):
    """A group of commands that end so."""


class Command(Telling, CeleryCommand):
    """A single command that ends so."""
