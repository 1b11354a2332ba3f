"""Which accounts there are, without their secrets and held small: for who shows a hundred thousand of them and polls none.

An account takes some 300 bytes here, a third of what it takes where it may be polled at any moment; it is made anew whenever it
is asked for. The file is checked like everywhere, a thousand accounts at a time.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from tasks.accounts.checking import check
from tasks.accounts.faults import AccountsError
from tasks.accounts.models import ACCOUNTS, Account, Gateway
from tasks.accounts.origins import Origin, open_origin
from tasks.accounts.pieces import Piece, Uncut
from tasks.accounts.reuse import Reuse
from tasks.accounts.secrets import Unneeded

AT_ONCE = 1000
LEFT_OUT = {"name", "gateway", "session", "extra"}
FIELDS = {
    platform: tuple(each for each in model.model_fields if each not in LEFT_OUT) for platform, model in ACCOUNTS.items()
}
"""What is held of an account beside its name and gateway, by platform."""


Row = tuple[str, tuple[Any, ...], int]
"""An account: the name of its gateway, the values of `FIELDS`, and a number for how it was written (0: not known).

A plain tuple, as the garbage collector soon leaves those alone: a hundred thousand of any other kind it visits again and again.
"""


class Roster:
    """The accounts of one source, as they were at the last `look` that found no fault. One thread looks, any may read."""

    def __init__(self, source: str) -> None:
        self._origin: Origin = open_origin(source)
        self._rows: dict[str, Row] = {}
        self._reuse = Reuse()
        self._looked = False
        self.gateways: Mapping[str, Gateway] = {}
        self.names: list[str] = []
        """All names, sorted."""
        self.fault = ""
        """Why the source cannot be used as it is now; the accounts of before stay."""

    @property
    def patience(self) -> int:
        """How many times longer than a file this source wants to be left alone."""
        return self._origin.patience

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def look(self) -> None:
        """Read the source if it has changed."""
        changed = self._origin.changed()
        if not changed and self._looked:
            return
        try:
            gateways, rows = self._read()
        except AccountsError as error:
            self.fault = str(error)
        else:
            self.fault = ""
            self.gateways, self._rows, self.names = gateways, rows, sorted(rows)
        self._looked = True

    def accounts(self, names: Iterable[str]) -> Iterator[Account]:
        """The accounts of these names, with nothing of their secrets; names that nobody has are left out."""
        rows, gateways = self._rows, self.gateways
        for name in names:
            if (row := rows.get(name)) and (gateway := gateways.get(row[0])):
                _, values, _ = row
                fields = dict(zip(FIELDS[gateway.platform], values, strict=True))
                yield ACCOUNTS[gateway.platform].model_construct(name=name, gateway=gateway, **fields)

    def behind(self, gateway: str) -> list[str]:
        """The names of the accounts behind a gateway."""
        rows = self._rows
        return [name for name in self.names if name in rows and rows[name][0] == gateway]

    def like(self, word: str) -> list[str]:
        """The names that have this word in them, whatever its case, those that begin with it first."""
        if not word:
            return self.names
        wanted = word.casefold()
        start = bisect_left(self.names, word)
        first = list(takewhile_prefix(self.names, word, start))
        known = set(first)
        return [*first, *(name for name in self.names if wanted in name.casefold() and name not in known)]

    def _read(self) -> tuple[Mapping[str, Gateway], dict[str, Row]]:
        try:
            return self._checked(self._origin.read())
        except Uncut:
            return self._checked(self._origin.read(whole=True))

    def _checked(self, raw: object) -> tuple[Mapping[str, Gateway], dict[str, Row]]:
        """Raises `AccountsError` for the first thousand accounts that have a fault, and `Uncut`."""
        if not (isinstance(raw, Mapping) and isinstance(raw.get("accounts"), Mapping)):
            return check(raw, Unneeded(), self._origin.name).gateways, {}
        left, before = dict(raw["accounts"]), self.gateways
        raw = {name: part for name, part in raw.items() if name != "accounts"}  # what has been checked is let go
        gateways = self._check(raw, {}).gateways
        rows = {} if gateways != before else self._unchanged(left)
        shared: dict[object, Any] = {}
        while some := {name: left.pop(name) for name in list(islice(left, AT_ONCE))}:
            for account in self._check(raw, some).accounts.values():
                fields = vars(account)
                values = tuple(fields[each] for each in FIELDS[account.gateway.platform])
                number = written(some[account.name])
                rows[account.name] = (account.gateway.name, shared.setdefault(values, values), number)
        return gateways, rows

    def _check(self, raw: Mapping[Any, Any], some: Mapping[str, object]) -> Any:
        part = {**raw, "accounts": some}
        return check(part, Unneeded(), self._origin.name, literals_are_fine=True, reuse=self._reuse)

    def _unchanged(self, left: dict[str, object]) -> dict[str, Row]:
        """The rows of accounts that stand there as they did; they are taken out of what is left to read."""
        same = {name: row for name, row in self._rows.items() if row[2] and row[2] == written(left.get(name))}
        for name in same:
            del left[name]
        return same


def takewhile_prefix(names: list[str], prefix: str, start: int) -> Iterator[str]:
    """The names from `start` on that begin so."""
    for name in islice(names, start, None):
        if not name.startswith(prefix):
            return
        yield name


def written(piece: object) -> int:
    """A number that is another one when what stands in a piece is; 0 for what is none."""
    return hash(piece.text) if isinstance(piece, Piece) else 0
