"""The files that an address names: whether they can be what it takes them for."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from handlers.errors import BadHandler
from handlers.storing.engine import VARIABLE
from handlers.storing.settings import YES

BEGINS = b"SQLite format 3\0"


def check_file(name: str, uri: bool) -> None:
    """Raise `BadHandler` for a file that SQLite cannot open or make as its database, by this process's user."""
    query: dict[str, str] = {}
    if uri and name.startswith("file:"):
        parts = urlsplit(name)
        if parts.netloc not in ("", "localhost"):
            raise BadHandler(f"{VARIABLE}: SQLite knows no hosts: write sqlite:///file:/path/of/tidings.db?uri=true")
        query = dict(each.split("=", 1) for each in parts.query.split("&") if "=" in each)
        name = unquote(parts.path)
    if query.get("mode") == "ro" or query.get("immutable", "").lower() in YES:
        raise BadHandler(f"{VARIABLE} has its file opened for reading only: leave mode=ro and immutable out")
    try:
        path = Path(name).resolve()  # a link's journal is beside the file that it leads to
        _check_path(path, makes=query.get("mode") != "rw")
    except (OSError, RuntimeError):
        raise BadHandler(_denied()) from None


def _check_path(path: Path, *, makes: bool) -> None:
    """Raise `BadHandler`, or `OSError` for what may not even be looked at; `makes` is whether SQLite may make the file."""
    if not path.parent.is_dir():
        raise BadHandler(
            f"{VARIABLE}: the folder of its file does not exist: make it, or write another path, in full and without ~; "
            f"one that does not begin with / is looked for from {Path.cwd()}"
        )
    if not path.exists():
        if not makes:
            raise BadHandler(f"{VARIABLE}: its file does not exist, and mode=rw does not make it: leave mode=rw out")
    elif not path.is_file():
        raise BadHandler(
            f"{VARIABLE}: what it names is there and is no file, but a folder or a device: write a file's path"
        )
    elif not os.access(path, os.R_OK | os.W_OK):
        raise BadHandler(_denied())
    elif not _may_be_sqlites(path):
        raise BadHandler(f"{VARIABLE}: what it names is there and is no database of SQLite's: write another path")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise BadHandler(_denied())


def _may_be_sqlites(path: Path) -> bool:
    """Whether it begins as one, or is as good as empty."""
    with path.open("rb") as file:
        begins = file.read(len(BEGINS))
    return len(begins) < 2 or begins == BEGINS


def _denied() -> str:
    return (
        f"{VARIABLE}: the user of this process may not write to its file, or not in its folder, where SQLite keeps a journal: "
        "change their rights, or write another path"
    )


def check_certificates(query: Mapping[str, Any]) -> None:
    """Raise `BadHandler` where that is not there which a server is to be verified with. Drivers pass over other files, or refuse
    them by themselves."""
    root = str(query.get("sslrootcert", "system")) if str(query.get("sslmode")).startswith("verify-") else "system"
    if root != "system" and not os.access(root, os.R_OK):
        raise BadHandler(f"{VARIABLE}: there is no file that can be read where sslrootcert says: correct it")
    if "ssl_capath" in query and not Path(str(query["ssl_capath"])).is_dir():
        raise BadHandler(f"{VARIABLE}: there is no such folder as ssl_capath says: correct it")
