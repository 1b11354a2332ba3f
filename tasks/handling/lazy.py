"""A table that is read when somebody first looks into it, and not at all if nobody does."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Read = Callable[[], Mapping[str, Any]]


class Lazy(Mapping[str, Any]):
    """Such a table. A copy of it, as `dataclasses.asdict` makes, is a plain dict. It raises what reading raises."""

    __slots__ = ("_found", "_read")

    def __init__(self, read: Read) -> None:
        self._read = read
        self._found: Mapping[str, Any] | None = None

    def __getitem__(self, name: str) -> Any:
        return self._table[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        return "Lazy(…)"  # a table may hold secrets

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self._table),)

    @property
    def _table(self) -> Mapping[str, Any]:
        if self._found is None:
            self._found = self._read()
        return self._found
