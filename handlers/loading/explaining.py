"""What is said of a module that cannot be imported for its handlers: which one, at which line, and what to do."""

import importlib
import os
import traceback
from pathlib import Path
from types import ModuleType

from handlers.errors import HandlersError, NotLoaded
from handlers.loading.hidden import hides

WHAT_TO_DO = (
    "TIDINGS_HANDLERS is a comma-separated list of modules to import for their handlers, written as in `import`: "
    "shop for a shop.py, shop.orders for shop/orders.py"
)
WRITE_THAT = "and write that into TIDINGS_HANDLERS"

IMPORTING = (str(importlib.__file__), "<frozen", f"{Path(__file__).parent}{os.sep}")
OURS = (f"{Path(__file__).parents[1]}{os.sep}", *IMPORTING)
"""How the files of the import system's frames begin, and of our own too."""


def explained(name: str, error: BaseException) -> HandlersError:
    """What to raise for what the import of a module has raised: anything, whose text may raise as well."""
    if isinstance(error, HandlersError):
        return type(error)(f"{_asker(error)}{error}")
    if not isinstance(error, ModuleNotFoundError):
        said = f"importing {name} raised {type(error).__name__}{_place(error)}{_text(error)}"
    elif error.name and f"{name}.".startswith(f"{error.name}."):
        return NotLoaded(_absent(name, error.name))
    else:
        said = f"importing {name} failed, as it imports {error.name!r}, which is not there{_place(error)}"
    return NotLoaded("; ".join(filter(None, (said, _hiding(error)))))


def _absent(name: str, missing: str) -> str:
    """The module itself is not there, or a package around it."""
    if hiding := hides(name):
        return f"{hiding}, {WRITE_THAT}"
    where = "each has to be in the current folder, installed, or on PYTHONPATH"
    return f"there is no module {missing!r}; {WHAT_TO_DO}; {where}"


def _hiding(error: BaseException) -> str:
    """Whether something was looked for in a module that stands in for one of the current folder."""
    asked = error.name if isinstance(error, ImportError) else None
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        asked = error.obj.__name__
    return hides(asked) if asked else ""


def _text(error: BaseException) -> str:
    """What it says, as `: text`."""
    try:
        said = error.msg if isinstance(error, SyntaxError) else str(error)
    except BaseException:
        return ""
    return f": {said}" if said else ""


def _asker(error: HandlersError) -> str:
    """The line of a user's module that it is about, as `file:line: `, unless it says so itself; "" where it is about none."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith(OURS)]
    told = not frames or f"{frames[-1].filename}:" in str(error)
    return "" if told else f"{frames[-1].filename}:{frames[-1].lineno}: "


def _place(error: BaseException) -> str:
    """Where it was raised, as ` at file:line`, past the frames of the import system itself."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" at {Path(error.filename)}:{error.lineno or '?'}"
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith(IMPORTING)]
    return f" at {Path(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
