"""The user's side of this process, made ready before any code of theirs is imported: the current folder, and Django.

Celery does the same, but only in a worker and beat, and only after its settings were read, which may ask a function of theirs
for the accounts.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from handlers.loggers import loggers_kept

DJANGO = "DJANGO_SETTINGS_MODULE"


class NotReady(Exception):
    """What the environment says of the user's side cannot be had; the text says what to do."""


def make_ready() -> None:
    """Let modules of the current folder be imported, after all others; set up Django where the environment names settings.

    Nothing changes when it was done before. Raises `NotReady`.
    """
    if "" not in sys.path and (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    if os.environ.get(DJANGO) and find_spec("django"):  # without Django, Celery warns
        _set_up_django()


def _set_up_django() -> None:
    # Asked for only where it is installed: Tidings does not need it.
    import django
    from django.apps import apps

    if apps.ready:
        return
    try:
        with loggers_kept():
            django.setup()
    except BaseException as error:  # settings of a user's own may raise anything
        said = f"{type(error).__name__}: {error}"
        raise NotReady(f"Django cannot be set up with {DJANGO}={os.environ[DJANGO]}: {said}") from error
