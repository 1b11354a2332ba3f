"""Commands that tell in one line what keeps them from their work."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

import click
from celery.bin.base import CeleryCommand
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from handlers.errors import HandlersError
from tasks.commands.leftover import ended
from tasks.store.refusals import refusal
from tasks.text import shown
from tidings_cli.terminal import forgiving

LOGGING = frozenset({"worker", "beat", "flower"})
"""Celery's commands that run on, and whose output is a log."""

INTERRUPTED = 130
"""The exit code of what Ctrl-C has ended, as in a shell."""


class Unusable(Exception):
    """A command cannot do its work as things are; the text says why, and what to do."""


@contextmanager
def in_one_line() -> Iterator[None]:
    """Turns into `ClickException` what comes of a Redis, a broker, accounts or parts that cannot be used: exit code 1."""
    from tasks.accounts import AccountsError
    from tasks.settings import SettingsError

    try:
        yield
    except BrokenPipeError:
        raise  # who reads the output has had enough, as `head` does; click ends quietly
    except (Unusable, SettingsError, HandlersError) as error:
        raise click.ClickException(str(error)) from None
    except AccountsError as error:
        raise click.ClickException(f"the accounts cannot be read:\n{error}\n`check` tells more") from None
    except (KombuError, RedisError, ConnectionError) as error:
        what = "the broker" if isinstance(error, KombuError) else "Redis"
        raise click.ClickException(f"{what} {refusal(error, '').text}; `check` tells more") from None


class Telling(click.Command):
    """Ends with a line and exit code 1 when Redis, the broker or the accounts cannot be used.

    `whose` says which installation it may speak to: `ours`, refusing another one; `any`, which is told; or to `none` at all.
    """

    def __init__(self, *args: Any, whose: Literal["ours", "any", "none"] = "ours", **options: Any) -> None:
        super().__init__(*args, **options)
        self.whose = whose

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line. What is not UTF-8 in it can be no name of ours, and no key in Redis."""
        for each in args:
            if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in each):
                raise click.UsageError(f"what was typed is not UTF-8: {shown(each)}", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        forgiving()
        # What could be better in the accounts file is for `check` to say, not for every command.
        logging.getLogger("tasks").addHandler(logging.NullHandler())
        with ended(), in_one_line():
            if self.whose != "none" and not asks_for_help(ctx):
                look_whose(only_ours=self.whose == "ours")
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                ctx.exit(INTERRUPTED)


def asks_for_help(ctx: click.Context) -> bool:
    """Whether a command of a group is asked what it does, not to do it."""
    return any(word in ctx.help_option_names for word in (*ctx._protected_args, *ctx.args))


def look_whose(*, only_ours: bool = True) -> None:
    """Say on standard error which Redis is spoken to, unless the environment names it. Raises `Unusable` for another's."""
    from tasks.runtime import refusal, whereabouts
    from tasks.settings import settings

    try:
        why = refusal()
    except RedisError:
        if only_ours:
            raise
        return
    if why and only_ours:
        raise Unusable(why)
    if why or not settings().told:
        click.secho(why or whereabouts(), dim=True, err=True)


def enter() -> None:
    """Before one of Celery's own commands works with the installation: as ours do, but it may wait for a Redis that is away."""
    with in_one_line():
        ctx = click.get_current_context(silent=True)
        if ctx and ctx.invoked_subcommand in LOGGING:
            in_json_if_asked()
        with suppress(RedisError, OSError):
            look_whose()


def in_json_if_asked(*, logs: bool = False) -> bool:
    """From here on, have this process print nothing but JSON lines, where TIDINGS_LOG is `json`; whether it is.

    With `logs` for what has no other log: what is logged at INFO too.
    """
    from tasks.settings import settings

    asked = settings().log == "json"
    if asked:
        from tasks.logs.streams import as_json, log_to_stderr

        as_json()
        if logs:
            log_to_stderr()
    return asked


class Commands(Telling, click.Group):
    """A group of commands that end so."""


class Command(Telling, CeleryCommand):
    """A single command that ends so."""
