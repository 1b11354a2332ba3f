"""Storing messages: each row once, and what they say of trades, refunds and items, in one transaction."""

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, Select, Table, TextClause, Update, bindparam, select, text, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from handlers.content import Unfit
from handlers.message import Message, Reject, Retry
from handlers.storing import tables
from handlers.storing.events import Change, Identity, Kind, Merged, change, identity, merge, row
from handlers.storing.schema import NewerSchema, bring_up_to_date

TABLES: Mapping[Kind, Table] = {"trade": tables.trade, "refund": tables.refund, "item": tables.item}

AT_ONCE = 3
"""Transactions that another one broke, and such on connections that were lost meanwhile, are begun so often."""

MARIADB_CONSTRAINT = 4025
"""MariaDB's number for a CHECK that fails, which its drivers take for something else."""

MARIADB_DEADLOCK = 1213
DEADLOCKS = ("40001", "40P01")
"""PostgreSQL's codes for what a repetition mends at once."""

READ_ONLY = ("25006", "SQLITE_READONLY", 1290, 1792, 1836)
"""PostgreSQL's, SQLite's and MariaDB's codes for a database, or a connection to it, that takes no writes."""


@dataclass(frozen=True, slots=True)
class Found:
    """What messages hold: their rows, what they say of things, and of each why it fits no column or model."""

    rows: dict[Identity, dict[str, Any]]
    changes: list[Change]
    ended: dict[Identity, Unfit | None]


class Database:
    """One process's way to the database. The tables are made, or brought up to date, with the first use."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._ready = False
        self._making = threading.Lock()
        self._ahead: dict[Identity, Unfit | None] = {}

    def store_ahead(self, messages: Sequence[Message]) -> None:
        """Store messages that `take` is about to be called with, those that can be, in one transaction.

        Raises `Reject` and `Retry` as `take` does; then none is stored.
        """
        self._ahead = {}
        self._ahead = self.store(messages)

    def take(self, message: Message) -> None:
        """Store a message, unless it was stored ahead.

        Raises `Unfit` for content that does not fit its topic's model (the message itself is stored then), `Reject` for what the
        database refuses, `Retry` while it is away. Their texts hold nothing of the message.
        """
        name = identity(message)
        ended = self._ahead if name in self._ahead else self.store([message])
        if (unfit := ended[name]) is not None:
            raise Unfit(unfit.reason)

    def store(self, messages: Iterable[Message]) -> dict[Identity, Unfit | None]:
        """Store the messages; why one says nothing that fits, though it is stored, or does not even fit the columns itself.

        Raises `Reject` and `Retry`; then none is stored.
        """
        found = read(messages)
        try:
            self._store(found)
        except NewerSchema as error:
            raise Retry(str(error)) from None
        except (UnicodeError, DataError, IntegrityError) as error:
            raise Reject(f"the database refuses it: {said(error)}") from None
        except SQLAlchemyError as error:
            if _number(error) == MARIADB_CONSTRAINT:
                raise Reject(f"the database refuses it: {said(error)}") from None
            raise Retry(f"the database: {said(error)}") from None
        return found.ended

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _store(self, found: Found) -> None:
        self._make_ready()
        for tries in range(1, AT_ONCE + 1):
            try:
                self._in_one_transaction(found)
                break
            except DBAPIError as error:
                if tries == AT_ONCE or not passing(error):
                    raise

    def _make_ready(self) -> None:
        with self._making:
            if not self._ready:
                bring_up_to_date(self.engine)
                self._ready = True

    def _in_one_transaction(self, found: Found) -> None:
        """Either all or nothing. A connection that was interrupted, as by a time limit, is not used again: it is in mid-word."""
        connection = self.engine.connect()
        try:
            write(connection, found)
            connection.commit()
        except SQLAlchemyError as error:
            if {_state(error), _number(error)} & {*READ_ONLY}:  # its address may lead to the new primary by now
                connection.invalidate()
            raise
        except BaseException:
            connection.invalidate()
            raise
        finally:
            connection.close()


def read(messages: Iterable[Message]) -> Found:
    """What there is to be written."""
    now, found = datetime.now(UTC), Found({}, [], {})
    for message in messages:
        name, unfit = identity(message), None
        try:
            found.rows[name] = row(message, now)
            if (told := change(message)) is not None:
                found.changes.append(told)
        except Unfit as error:
            unfit = error
        found.ended[name] = unfit
    return found


def write(connection: Connection, found: Found) -> None:
    """The rows that are not there yet, and what is known of each thing after the changes.

    Everybody writes in the order of keys, so that no two wait for each other.
    """
    if found.rows:
        rows = [found.rows[name] for name in sorted(found.rows)]
        connection.execute(unless_there(connection.dialect, tables.message), rows)
    for kind, table in TABLES.items():
        if wanted := by_key(each for each in found.changes if each.kind == kind):
            keep(connection, table, wanted)


def by_key(changes: Iterable[Change]) -> dict[Any, Merged]:
    """What the changes say of each thing together, in the order of their keys."""
    found: dict[Any, list[Change]] = {}
    for each in changes:
        found.setdefault(each.key, []).append(each)
    return {key: merge({}, found[key]) for key in sorted(found)}


def keep(connection: Connection, table: Table, wanted: Mapping[Any, Merged]) -> None:
    """Put in what is new; what is there is locked first and then told what it does not know."""
    key = table.primary_key.columns[0].name
    rows = [{**empty(table), **columns(merged), key: value} for value, merged in wanted.items()]
    connection.execute(unless_there(connection.dialect, table), rows)
    changed = []
    for found in connection.execute(locked(table), {"keys": list(wanted)}).mappings():
        known = unpacked(found)
        merged = newest(known, wanted[found[key]])
        if merged != known:
            changed.append({**empty(table), **columns(merged), "its_key": found[key]})
    if changed:
        connection.execute(changing(table), changed)


def newest(known: Merged, more: Merged) -> Merged:
    """Of each member the one with the greater stamp."""
    return known | {name: told for name, told in more.items() if name not in known or told[1] > known[name][1]}


def columns(merged: Merged) -> dict[str, Any]:
    """A row of what is known."""
    stamps: dict[str, list[str]] = {}
    for name, (_, stamp) in merged.items():
        stamps.setdefault(stamp, []).append(name)
    return {name: value for name, (value, _) in merged.items()} | {"stamps": json.dumps(stamps)}


def unpacked(found: Mapping[Any, Any]) -> Merged:
    """What a row knows."""
    stamps = json.loads(found["stamps"])
    return {name: (found[name], stamp) for stamp, names in stamps.items() for name in names}


def empty(table: Table) -> dict[str, None]:
    """Every column but the key: rows that are written together have the same ones."""
    return {column.name: None for column in table.columns if not column.primary_key}


@cache
def unless_there(dialect: Dialect, table: Table) -> TextClause:
    """An INSERT that leaves rows as they are which are there; all else that is wrong with them is an error.

    A text, as SQLAlchemy compiles its own kind of it anew for each transaction, which took most of its time.
    """
    quoted = dialect.identifier_preparer.quote
    keys = [quoted(column.name) for column in table.primary_key.columns]
    names = ", ".join(quoted(column.name) for column in table.columns)
    values = ", ".join(f":{column.name}" for column in table.columns)
    there = f"ON CONFLICT ({', '.join(keys)}) DO NOTHING"
    if dialect.name in ("mysql", "mariadb"):
        there = f"ON DUPLICATE KEY UPDATE {keys[0]} = {keys[0]}"
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({values}) {there}"  # noqa: S608 - names of ours
    return text(statement).bindparams(*(bindparam(column.name, type_=column.type) for column in table.columns))


@cache
def locked(table: Table) -> Select[Any]:
    """The rows of these `keys`, which nobody else changes until the transaction is over."""
    [key] = table.primary_key.columns
    return select(table).where(key.in_(bindparam("keys", expanding=True))).order_by(key).with_for_update()


@cache
def changing(table: Table) -> Update:
    """An UPDATE of the row `its_key`."""
    [key] = table.primary_key.columns
    return update(table).where(key == bindparam("its_key"))


def passing(error: DBAPIError) -> bool:
    """Whether the same transaction may well work at once: another one stood in its way, or its connection was an old one."""
    return (
        error.connection_invalidated
        or _state(error) in DEADLOCKS
        or (isinstance(error, OperationalError) and _number(error) == MARIADB_DEADLOCK)
    )


def said(error: Exception) -> str:
    """An error by its name and the database's code; what it says may show values."""
    cause = getattr(error, "orig", None) or error
    code = _state(error) or _number(error) or ""
    return f"{type(cause).__name__} {code}".strip()


def _state(error: Exception) -> str:
    """PostgreSQL's code, or SQLite's by its name; "" for none."""
    cause = getattr(error, "orig", None)
    return str(getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or "")


def _number(error: Exception) -> int | None:
    """MariaDB's code."""
    told = getattr(getattr(error, "orig", None), "args", ())
    return told[0] if told and isinstance(told[0], int) else None
