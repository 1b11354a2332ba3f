"""Decorators above `@handles`, which the handler below them knows nothing of."""

from pathlib import Path

from handlers.loading import load
from handlers.loading.decorated import passed_over
from tests.unit.handlers.loading.test_load import folder

__all__ = ["folder"]

ATOMIC = """
import functools
from handlers import handles, register

def atomic(function):
    @functools.wraps(function)
    def inside(*args, **kwargs):
        return function(*args, **kwargs)
    return inside
"""


def test_a_decorator_above_that_is_never_called_is_told_of(folder: Path) -> None:
    (folder / "shop.py").write_text(
        ATOMIC + "@atomic\n@handles('t')\ndef on_t(content: dict): ...\n"
        "@handles('u')\n@atomic\ndef on_u(content: dict): ...\n"
        "class Orders:\n    @atomic\n    @handles('m')\n    def on_m(self, content: dict): ...\nregister(Orders())\n"
    )
    load(["shop"])
    (told,) = passed_over(["shop"])
    assert told == (
        f"{folder}/shop.py:10: on_t is called without the decorator above its @handles; move @handles(…) above all of them"
    )


def test_what_wraps_a_handler_and_is_no_function_or_another_name_is_not_told_of(folder: Path) -> None:
    """A task of Celery's, for one, is there to be sent too."""
    (folder / "shop.py").write_text(
        ATOMIC + "class Task:\n    def __init__(self, run):\n        self.__wrapped__ = run\n"
        "@Task\n@handles('t')\ndef on_t(content: dict): ...\n"
        "@handles('u')\ndef on_u(content: dict): ...\nagain = atomic(on_u)\n"
    )
    load(["shop"])
    assert not list(passed_over(["shop"]))
