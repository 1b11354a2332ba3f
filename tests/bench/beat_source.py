"""Where the accounts of a beat's bench come from: a TOML file or a function, and how either changes while beat runs."""

from pathlib import Path
from typing import Protocol

GATEWAY = '[gateways.tb]\nplatform = "taobao"\napp_key = "12345678"\napp_secret = "env:TB_SECRET"\n'
TABLE = '[accounts.{name}]\ngateway = "tb"\ngroup = "{name}"\npoll = {{ min = 1, max = 300 }}\n'

FUNCTION = '''
import time
from pathlib import Path

HERE = Path(__file__).parent
CALLS = []

def accounts():
    """All accounts; once the file `slow` is there, only after so many seconds, and with one account more."""
    slow = HERE / "slow"
    number = {number}
    if CALLS and slow.exists():
        time.sleep(float(slow.read_text()))
        number += 1
    CALLS.append(1)
    shop = lambda n: {{"gateway": "tb", "group": f"shop-{{n}}", "poll": {{"min": 1, "max": 300}}}}
    gateways = {{"tb": {{"platform": "taobao", "app_key": "12345678", "app_secret": "env:TB_SECRET"}}}}
    return {{"gateways": gateways, "accounts": {{f"shop-{{n}}": shop(n) for n in range(number)}}}}
'''
BLOCKS_SECONDS = 10.0


def names(number: int) -> list[str]:
    """The names of so many accounts."""
    return [f"shop-{n}" for n in range(number)]


class Source(Protocol):
    """One kind of source, in a folder of its own."""

    address: str
    """As TIDINGS_ACCOUNTS takes it."""

    def change(self) -> None:
        """Add an account, the way this kind of source changes."""


class File:
    """A TOML file, one table an account."""

    def __init__(self, folder: Path, number: int) -> None:
        self._path = folder / "accounts.toml"
        self._next = folder / "next.toml"
        self.address = str(self._path)
        for path, more in ((self._path, 0), (self._next, 1)):
            path.write_text(GATEWAY + "".join(TABLE.format(name=name) for name in names(number + more)))

    def change(self) -> None:
        """Put a file with one account more, written before, in its place."""
        self._next.replace(self._path)


class Function:
    """A function that builds the whole structure anew each time."""

    address = "python:bench_accounts:accounts"

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder
        (folder / "bench_accounts.py").write_text(FUNCTION.format(number=number))

    def change(self) -> None:
        """From its next call on it blocks for ten seconds and returns one account more."""
        (self._folder / "slow").write_text(str(BLOCKS_SECONDS))


KINDS: dict[str, type[File] | type[Function]] = {"file": File, "function": Function}
