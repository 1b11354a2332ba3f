"""Celery has a `status` of its own, which lists the workers that answer, and adds it after all plugins: it would hide ours.

So Celery's command is told to hand over to ours when the application is Tidings, which is known once `-A` was read. Every other
application keeps Celery's. A test fails when a release changes what this leans on.
"""

from typing import Any

import click
from celery.bin.control import status as celerys_own


def stand_in(ours: click.Command) -> None:
    """Let `celery -A tasks status` be this command."""
    theirs = celerys_own.make_context

    def make_context(
        name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        from tasks.plumbing.app import Tidings

        app = getattr(parent and parent.obj, "app", None)
        return (ours.make_context if isinstance(app, Tidings) else theirs)(name, args, parent, **extra)

    celerys_own.make_context = make_context  # type: ignore[method-assign, assignment]
