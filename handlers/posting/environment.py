"""What the environment tells handlers in the box.

Everything that is wrong with it is a `HandlersError`, which says what to write and holds no value of a secret.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from handlers.errors import HandlersError
from handlers.topics.names import SEVERAL

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
SECRET_BYTES = 64 * 2**10


class Environment:
    """The variables of one handler, which begin with `prefix`; `names` are those that there are."""

    def __init__(self, environ: Mapping[str, str], prefix: str, names: tuple[str, ...]) -> None:
        self._environ = environ
        self._prefix = prefix
        for given in environ:
            if given.startswith(prefix) and given.removeprefix(prefix) not in names:
                known = ", ".join(prefix + name for name in names)
                raise HandlersError(f"{given} is no setting: there are {known}")

    def text(self, name: str, default: str = "") -> str:
        """A variable; the default where it is not set, or empty."""
        return self._environ.get(self._prefix + name, "").strip() or default

    def required(self, name: str, write: str) -> str:
        """A variable that has to be set; `write` says to what."""
        if found := self.text(name):
            return found
        raise HandlersError(f"{self._prefix}{name} is not set: {write}")

    def listed(self, name: str, default: str = "") -> tuple[str, ...]:
        """What a variable lists between commas."""
        return tuple(each.strip() for each in self.text(name, default).split(",") if each.strip())

    def topics(self) -> tuple[str, ...]:
        """Topics and patterns, all unless told. Raises `HandlersError` for what has other signs than commas between them."""
        found = self.listed("TOPICS", "*")
        if wrong := between_commas(found):
            raise HandlersError(f"{self._prefix}TOPICS: {wrong}")
        return found

    def whole(self, name: str, default: int, least: int = 1) -> int:
        """A whole number, as large as the least or more."""
        written = self.text(name, str(default))
        if written.isascii() and written.isdigit() and least <= int(written) < 2**63:
            return int(written)
        raise HandlersError(f"{self._prefix}{name}: write a whole number, {least} or more")

    def secret(self, name: str, write: str) -> str:
        """A secret, or what `env:NAME` or `file:PATH` leads to; paths start at the current folder."""
        written = self.required(name, write)
        kind, _, where = written.partition(":")
        if kind == "env":
            found = self._environ.get(where, "") if _VARIABLE.fullmatch(where) else ""
            problem = "env: is followed by the name of a variable that is set"
        elif kind == "file":
            found, problem = (
                _read(where),
                "file: is followed by the path of a text file that can be read, and is not empty",
            )
        else:
            return written
        if not found.strip():
            raise HandlersError(f"{self._prefix}{name}: {problem}")
        return found.strip()


def between_commas(topics: Iterable[str]) -> str:
    """What is wrong with topics that were listed; "" for nothing. No platform's has a space in it."""
    given = list(topics)
    wrong = [f"{each!r} is no topic" for each in given if SEVERAL.search(each) and "[" not in each]
    wrong += [] if given else ["it needs a topic"]
    return f"{wrong[0]}; write topics and patterns between commas, as taobao_*,qianmi_*" if wrong else ""


def _read(path: str) -> str:
    try:
        with Path(path).expanduser().open("rb") as file:
            return file.read(SECRET_BYTES).decode()
    except (OSError, ValueError, RuntimeError):  # the last: no such home folder
        return ""
