"""Where the accounts come from: a TOML file, or a function named as `python:package.module:callable`."""

import importlib
import inspect
import time
import tomllib
import traceback
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Protocol

from handlers.loggers import loggers_kept
from tasks.accounts.faults import SHOWN_SOURCE, AccountsError, Fault
from tasks.accounts.files import Stamp, Unreadable, read, stamp
from tasks.accounts.pieces import Uncut, cut, head
from tasks.accounts.slips import meant
from tasks.surroundings import NotReady, make_ready
from tasks.text import shown as escaped

FILE_BYTES = 64 * 2**20
PYTHON = "python:"
SETTLING_LOOKS = 10  # a file that never rests is read all the same
RESTED_NS = 10**9  # a file that nobody has touched for a second is whole


class Origin(Protocol):
    """One place that accounts come from."""

    name: str
    folder: Path
    """Where relative paths of secrets start."""
    literals_are_fine: bool
    """Whether a secret may stand in the structure itself, as a function may have fetched it from a vault."""
    patience: int
    """How many times longer than a file's look it takes before this is looked at again."""

    def forget(self) -> None:
        """Know of nothing that was read."""

    def changed(self, *, hurried: bool = False) -> bool | None:
        """Whether it is worth reading again; None where it is being written. Called once a look; `hurried` is one out of turn."""

    def read(self, *, whole: bool = False) -> object:
        """The structure as it stands there; unless `whole`, a `Piece` may stand for an account's table.

        Raises `AccountsError`, and `Uncut` where it has to be read as a whole.
        """

    def gateways(self) -> object:
        """The gateways' part of the structure, None where all of it has to be read for that. Raises `AccountsError`."""


class File:
    """A TOML file. A change counts once the file has kept still, for a second or one look: half a file may read as whole."""

    literals_are_fine = False
    patience = 1

    def __init__(self, name: str) -> None:
        self.name = name
        self._path = Path(name).absolute()  # a handler may go to another folder
        self.folder = self._path.parent
        self.forget()

    def forget(self) -> None:
        self._read: Stamp | None = None
        self._seen: Stamp = None
        self._restless = 0

    def changed(self, *, hurried: bool = False) -> bool | None:
        now = stamp(self._path)
        if hurried:
            return now != self._read and (rested(now) or None)
        still, self._seen = now == self._seen, now
        if now == self._read:
            self._restless = 0
            return False
        self._restless += 1
        return still or rested(now) or self._restless > SETTLING_LOOKS or None

    def gateways(self) -> object:
        try:
            return head(read(self._path, FILE_BYTES)).get("gateways")
        except (Unreadable, Uncut):
            return None

    def read(self, *, whole: bool = False) -> object:
        self._read = self._seen = stamp(self._path)
        self._restless = 0
        if not self.name:
            raise AccountsError([Fault("TIDINGS_ACCOUNTS", "it is empty; expected the path of an accounts file")])
        try:
            text = read(self._path, FILE_BYTES)
            return tomllib.loads(text) if whole else cut(text)
        except Unreadable as error:
            raise _unusable(self.name, f"{error} (TIDINGS_ACCOUNTS says where the accounts are)") from None
        except RecursionError:
            raise _unusable(self.name, "it is nested too deeply") from None
        except tomllib.TOMLDecodeError as error:
            raise _unusable(self.name, f"it is not TOML: {error}{meant(text, str(error))}") from None
        except ValueError:
            raise _unusable(self.name, "it is not TOML: a number in it is too long to be read") from None


def rested(seen: Stamp) -> bool:
    """Whether the file's last change is long enough ago, by this machine's clock."""
    return seen is not None and time.time_ns() - seen[1] >= RESTED_NS


class Function:
    """A function, called again from time to time. What it raises is told by type only: its text may hold a secret."""

    literals_are_fine = True
    patience = 30

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = Path.cwd()

    def forget(self) -> None: ...

    def changed(self, *, hurried: bool = False) -> bool | None:  # noqa: ARG002
        return True

    def gateways(self) -> object:
        return None

    def read(self, *, whole: bool = False) -> object:  # noqa: ARG002
        call = self._callable()
        try:
            return call()
        except BaseException as error:  # a user's function may raise anything
            raise _unusable(self.name, f"it raised {type(error).__name__}{_place(error)}") from None

    def _callable(self) -> Callable[[], object]:
        module_name, _, path = self.name.removeprefix(PYTHON).partition(":")
        if not module_name or not path:
            raise _unusable(self.name, "expected python:package.module:callable")
        try:
            found = reduce(getattr, path.split("."), self._module(module_name))
        except AttributeError:
            raise _unusable(self.name, f"the module {module_name} has no {path}") from None
        if not callable(found):
            raise _unusable(self.name, f"{path} is not callable, but of type {type(found).__name__}")
        if inspect.iscoroutinefunction(found):
            raise _unusable(
                self.name, f"{path} is an `async def`; a function that returns the accounts is called: `def`"
            )
        if not _takes_nothing(found):
            raise _unusable(self.name, f"{path} wants arguments, and is called without any")
        return found

    def _module(self, name: str) -> object:
        try:
            make_ready()
        except NotReady as error:
            raise _unusable(self.name, str(error)) from None
        try:
            with loggers_kept():
                return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name and f"{name}.".startswith(f"{error.name}."):
                raise _unusable(
                    self.name,
                    f"there is no module {error.name} (is it in the current folder, installed, or on PYTHONPATH?)",
                ) from None
            raise _unusable(
                self.name, f"importing {name} failed, as it imports {error.name}, which is not there"
            ) from None
        except BaseException as error:
            raise _unusable(self.name, f"importing {name} raised {type(error).__name__}{_place(error)}") from None


def _takes_nothing(function: Callable[..., object]) -> bool:
    """Whether a function can be called without arguments, as far as it says so itself."""
    try:
        signature = inspect.signature(function)
    except Exception:  # built-ins have none, and a user's object may raise anything
        return True
    try:
        signature.bind()
    except TypeError:
        return False
    return True


def _unusable(name: str, expected: str) -> AccountsError:
    shown = escaped(name, SHOWN_SOURCE)
    return AccountsError([Fault(shown, expected)], name)


def _place(error: BaseException) -> str:
    """Where it was raised, as ` at file.py:12`."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def open_origin(source: str) -> Origin:
    """The origin that the text names. Nothing is read yet."""
    return Function(source) if source.startswith(PYTHON) else File(source)
