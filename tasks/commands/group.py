"""Groups of commands that tell in one line what keeps them from their work."""

import logging
from typing import Any

import click
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from tasks.commands.masking import masked
from tasks.text import shown


class Commands(click.Group):
    """A group whose commands end with a line and exit code 1 when Redis, the broker or the accounts cannot be used."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        from tasks.accounts import AccountsError

        # What could be better in the accounts file is for `check` to say, not for every command.
        logging.getLogger("tasks").addHandler(logging.NullHandler())
        try:
            return super().invoke(ctx)
        except AccountsError as error:
            raise click.ClickException(f"the accounts cannot be read:\n{error}\n`check` tells more") from None
        except KombuError as error:
            said = shown(masked(str(error)), 500)
            raise click.ClickException(f"the broker does not take tasks: {said}; `check` tells more") from None
        except (RedisError, ConnectionError) as error:
            said = shown(masked(str(error)), 500)
            raise click.ClickException(f"Redis does not answer: {said}; `check` tells more") from None
