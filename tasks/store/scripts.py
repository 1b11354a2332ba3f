"""The scripts that Redis runs for the stores: one file of `lua/` each, named STORE_SCRIPT.lua.

A file whose first line is `-- needs: now day` has the text of `now.lua` and `day.lua` put before its own.
"""

from functools import cache
from pathlib import Path
from typing import Any

from tasks.store.connection import Client

FOLDER = Path(__file__).with_name("lua")
NEEDS = "-- needs: "


@cache
def text(name: str) -> str:
    """A script with all that it needs; its file is read once a process."""
    own = (FOLDER / f"{name}.lua").read_text("utf-8")
    first = own.partition("\n")[0]
    needed = first.removeprefix(NEEDS).split() if first.startswith(NEEDS) else []
    return "".join([*map(text, needed), own])


def script(redis: Client, name: str) -> Any:
    """The script as something to call with `keys` and `args`."""
    made = redis.register_script(text(name))
    _by_digest[made.sha] = made.script
    return made


def of_digest(sha: str) -> str:
    """The text of a script that `script` has made, by its digest. Raises `KeyError` for any other."""
    return _by_digest[sha]


_by_digest: dict[str, str] = {}
