"""What `env:NAME` and `file:PATH` stand for, so that secrets need not stand in the accounts file."""

import re
from collections.abc import Mapping
from os.path import expanduser
from pathlib import Path
from typing import TypeGuard

from tasks.accounts.files import Stamp, Unreadable, read, stamp

SECRET_BYTES = 64 * 2**10

UNNEEDED = "unneeded"
"""Stands for a secret that nobody needs here: what it stands for could be any text."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_reference(written: object) -> TypeGuard[str]:
    """Whether it says where a secret is, not what it is."""
    return isinstance(written, str) and written.startswith(("env:", "file:"))


class Unresolved(Exception):
    """The reference leads nowhere; the text says what is expected and holds no secret."""


class Secrets:
    """Looks references up, each file once, and remembers which files they came from.

    Relative paths start at `folder`. A secret that is not `needed` is looked up where it can be, so that a change of it is seen,
    and is no fault where it cannot.
    """

    def __init__(self, environ: Mapping[str, str], folder: Path, *, needed: bool = True) -> None:
        self._environ = environ
        self._folder = folder
        self._needed = needed
        self._texts: dict[str, str | Unresolved] = {}
        self._stamps: dict[Path, Stamp] = {}

    def resolve(self, text: str) -> str:
        """The text that a reference stands for; text that is none stands for itself. Raises `Unresolved`."""
        if not is_reference(text):
            return text
        if text not in self._texts:
            self._texts[text] = self._look_up(*text.split(":", 1))
        found = self._texts[text]
        if isinstance(found, Unresolved):
            if not self._needed:
                return UNNEEDED
            raise Unresolved(str(found))
        return found

    def changed(self) -> bool:
        """Whether any file that was asked for is another one now, has come or has gone."""
        return any(stamp(path) != seen for path, seen in self._stamps.items())

    def _look_up(self, kind: str, name: str) -> str | Unresolved:
        return self._variable(name) if kind == "env" else self._file(name)

    def _variable(self, name: str) -> str | Unresolved:
        if not _VARIABLE.fullmatch(name):
            return Unresolved("expected env: and the name of an environment variable")
        if name not in self._environ:
            return Unresolved(f"the environment variable {name} is not set")
        return _line(self._environ[name]) or Unresolved(f"the environment variable {name} is empty")

    def _file(self, name: str) -> str | Unresolved:
        path = self._folder / expanduser(name)  # noqa: PTH111 - a text that may be no path
        if not name:
            return Unresolved("expected file: and the path of a file")
        self._stamps[path] = stamp(path)
        try:
            text = read(path, SECRET_BYTES)
        except Unreadable as error:
            return Unresolved(f"the secret's file {name!r}: {error}")
        return _line(text) or Unresolved(f"the secret's file {name!r} is empty")


def _line(text: str) -> str:
    """The text without the end of its line, which `echo` writes, and Kubernetes hands on from a secret to a variable."""
    return text.removesuffix("\n").removesuffix("\r")


class Unneeded(Secrets):
    """Looks nothing up: for who asks only what accounts there are, and runs where their secrets are not."""

    def __init__(self) -> None:
        super().__init__({}, Path())

    def resolve(self, text: str) -> str:
        """The text itself, or something that could be the secret that a reference stands for."""
        return UNNEEDED if is_reference(text) else text
