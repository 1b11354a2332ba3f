"""Somebody's own Celery application in a process of Tidings: theirs is the current one while their handler runs, ours otherwise.

A `@shared_task` goes to the application that is current when it is called. In a worker Celery makes that the worker's own: a
user's task would go into our queue, where no worker knows it.
"""

from typing import Any

import celery._state

_state: Any = celery._state  # its types leave out what is read here
_theirs: Any = None


def nobody_is_current() -> bool:
    """Whether this thread has no current application yet."""
    return _state._tls.current_app is None


def note(ours: Any) -> None:
    """Remember an application of somebody else's that is current, or the default; to be called before ours takes its place."""
    global _theirs  # noqa: PLW0603 - one a process, as the current application itself
    for app in (_state.default_app, _state._tls.current_app):
        # Celery makes a default application called "default" where nobody has one.
        if app is not None and app is not ours and (app.main != "default" or app.set_as_current):
            _theirs = app


def enter(ours: Any) -> None:
    """Make somebody's own application, if there is one, the current one of this thread."""
    note(ours)
    _state._set_current_app(_theirs or ours)


class TheirsCurrent:
    """Inside, the current application of this thread is somebody's own, if there is one; ours again afterwards.

    A class, as a generator's context would write to what a handler raises, which may not let itself be written to.
    """

    def __init__(self, ours: Any) -> None:
        self._ours = ours

    def __enter__(self) -> None:
        enter(self._ours)

    def __exit__(self, *_: object) -> None:
        note(self._ours)  # a handler may be the first to import it
        _state._set_current_app(self._ours)
