"""Our commands as Celery's command line loads them, in every application's process: names first, their code when they are run.

Celery has a `status` of its own, and adds it after all plugins: it is told to hand over to ours when the application is Tidings.
A `tasks` that is not ours is told of where Celery finds its application. A test fails when a release changes what this leans on.
"""

import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import click
from celery.bin.control import status as celerys_status

from tidings_cli.ours import ROOT, Shadowed, is_ours, leads_to_ours, others, own, place, refuse_nowhere
from tidings_cli.quiet import ready
from tidings_cli.terminal import forgiving

GROUP = "celery.commands"

CELERYS = {"worker", "beat", "flower", "inspect", "control", "purge", "events", "call", "result", "amqp", "migrate"}
"""Celery's own commands, and Flower's, that speak to a broker or to results."""


class Ours(click.Command):
    """One of our commands by its name; everything else is the command's own, in `tasks.commands`."""

    name: str

    def real(self) -> click.Command:
        """The command itself. Raises `Shadowed`."""
        own("tasks")
        found: click.Command = getattr(import_module(f"tasks.commands.{self.name}"), self.name)
        return found

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context that the command runs in. Other applications keep their own command of the same name."""
        refuse_nowhere()
        if parent and not serves(parent):
            for other in elsewhere(self.name):
                return other.make_context(info_name, args, parent, **extra)
            asked = parent.find_root().params.get("app")
            text = f"`{self.name}` is a command of Tidings, and -A names another application, {asked}: `tidings {self.name}`"
            raise click.UsageError(text, parent)
        try:
            return self.real().make_context(info_name, args, parent, **extra)
        except Shadowed as error:
            raise click.ClickException(str(error)) from None

    def get_short_help_str(self, limit: int = 45) -> str:
        """What the list of commands says of it."""
        try:
            return self.real().get_short_help_str(limit)
        except Shadowed:
            return f"A command of Tidings: `tidings {self.name}`."


def serves(ctx: click.Context) -> bool:
    """Whether Celery's command line was started for Tidings; without `-A` it is, from here on."""
    if tidings(getattr(ctx.obj, "app", None)):
        return True
    if ctx.find_root().params.get("app"):
        return False
    try:
        ctx.obj.app = own("tasks").app
    except Shadowed as error:
        raise click.ClickException(str(error)) from None
    return True


def tidings(app: object) -> bool:
    """Whether an application is Tidings, which is known without importing it: nobody has one before."""
    known = sys.modules.get("tasks.plumbing.app")
    return known is not None and is_ours(sys.modules["tasks"]) and isinstance(app, known.Tidings)


def elsewhere(name: str) -> Iterator[click.Command]:
    """The commands of this name that other packages plug into Celery's command line."""
    for point in entry_points(group=GROUP, name=name):
        if not point.value.startswith(("tidings_cli.", "tasks.")):
            yield point.load()


def give_way() -> None:
    """Let `celery -A tasks status` be ours, and of no other application."""
    theirs = celerys_status.make_context

    def make_context(
        name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        mine = tidings(getattr(parent and parent.obj, "app", None))
        return (status.make_context if mine else theirs)(name, args, parent, **extra)

    celerys_status.make_context = make_context  # type: ignore[method-assign, assignment]


def tell_of_shadows() -> None:
    """Have Celery's command line say when `-A tasks` leads to a module that is not ours, or `handlers` would."""
    line = sys.modules.get("celery.bin.celery")  # it loads this in the middle of its own import
    theirs = getattr(line, "find_app", None)
    if theirs is not None:
        line.find_app = lambda name, **options: found(theirs, name, **options)  # type: ignore[union-attr]


def found(find: Callable[..., Any], name: str, **options: Any) -> Any:
    """The application that Celery finds by this name. One of our commands ends if it is not ours; others are told."""
    if name.partition(":")[0].partition(".")[0] != "tasks":
        return find(name, **options)
    refuse_nowhere()
    forgiving()
    try:
        if others("tasks") is None and leads_to_ours("tasks"):
            own(
                "tasks"
            )  # before Celery puts the current folder first, which may have a module called as one that ours needs
        app = find(name, **options)
    except Shadowed as error:
        raise SystemExit(f"Error: {error}") from None
    except Exception:
        if other := stranger():
            tell(other)
        raise
    finally:
        ready()
    if other := stranger():
        tell(other, quiet=not any(each.startswith("TIDINGS_") for each in os.environ))
    elif hidden := others("handlers"):
        text = f"`handlers` is Tidings' own {ROOT / 'handlers'} here, which hides {hidden}: rename yours if it is needed here"
        click.echo(text, err=True)
    enter(app)
    return app


def enter(app: object) -> None:
    """Refuse one of Celery's own commands that would work with another installation than the one that is meant."""
    ctx = click.get_current_context(silent=True)
    if ctx and ctx.invoked_subcommand in CELERYS and "--help" not in sys.argv and tidings(app):
        try:
            import_module("tasks.commands.group").enter()
        except click.ClickException as error:
            raise SystemExit(f"Error: {error.message}") from None  # Celery shows others with their tracebacks here


def stranger() -> Shadowed | None:
    """What is to be said of a `tasks` that is not ours, whether it could be imported or not."""
    module = sys.modules.get("tasks")
    if module and is_ours(module):
        return None
    other = place(module) if module else others("tasks")
    return Shadowed("tasks", other) if other else None


def tell(other: Shadowed, *, quiet: bool = False) -> None:
    """End one of our commands; else say it and go on, as the application may well be meant."""
    ctx = click.get_current_context(silent=True)
    if ctx and ctx.invoked_subcommand in COMMANDS:
        raise SystemExit(f"Error: {other}")
    if not quiet:
        click.echo(str(other), err=True)


up, demo, sandbox, check = Ours("up"), Ours("demo"), Ours("sandbox"), Ours("check")
accounts, letters, status, handlers = Ours("accounts"), Ours("letters"), Ours("status"), Ours("handlers")
web = Ours("web")
size = Ours("size")

COMMANDS = {each.name: each for each in list(globals().values()) if isinstance(each, Ours)}
"""All of them, by name."""

give_way()
tell_of_shadows()
