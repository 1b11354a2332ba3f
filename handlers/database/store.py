"""Storing messages: each row once, and what they say of trades, refunds and items, in one transaction."""

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Table, bindparam, select, update
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from handlers.content import Unfit
from handlers.database import tables
from handlers.database.events import Change, Kind, Merged, change, merge, row
from handlers.database.schema import NewerSchema, bring_up_to_date
from handlers.message import Message, Reject, Retry

TABLES: Mapping[Kind, Table] = {"trade": tables.trade, "refund": tables.refund, "item": tables.item}

AT_ONCE = 3
"""Transactions that another one broke, and such on connections that were lost meanwhile, are begun so often."""

MARIADB_CONSTRAINT = 4025
"""MariaDB's number for a CHECK that fails, which its drivers take for something else."""

MARIADB_DEADLOCK = 1213
DEADLOCKS = ("40001", "40P01")
"""PostgreSQL's codes for what a repetition mends at once."""

Identity = tuple[str, str, str]
"""A message's primary key."""


class Database:
    """One process's way to the database. The tables are made, or brought up to date, with the first use."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._ready = False
        self._making = threading.Lock()
        self._ahead: frozenset[Identity] = frozenset()

    def store_ahead(self, messages: Sequence[Message]) -> None:
        """Store messages that `take` is about to be called with, those that can be, in one transaction.

        Raises `Reject` and `Retry` as `take` does; then none is stored.
        """
        self._ahead = frozenset()
        rows = self.store(messages)
        self._ahead = frozenset(map(identity, rows))

    def take(self, message: Message) -> None:
        """Store a message, unless it was stored ahead.

        Raises `Unfit` for content that does not fit its topic's model (the message itself is stored then), `Reject` for what the
        database refuses, `Retry` while it is away. Their texts hold nothing of the message.
        """
        found = row(message, datetime.now(UTC))
        if identity(found) not in self._ahead:
            self.store([message])
        change(message)

    def store(self, messages: Iterable[Message]) -> list[dict[str, Any]]:
        """Store those of the messages that fit the columns; the rows. Raises `Reject` and `Retry`."""
        rows, changes = read(messages)
        try:
            self._store(rows, changes)
        except NewerSchema as error:
            raise Retry(str(error)) from None
        except (UnicodeError, DataError, IntegrityError) as error:
            raise Reject(f"the database refuses it: {said(error)}") from None
        except SQLAlchemyError as error:
            if _number(error) == MARIADB_CONSTRAINT:
                raise Reject(f"the database refuses it: {said(error)}") from None
            raise Retry(f"the database: {said(error)}") from None
        return rows

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _store(self, rows: Sequence[Mapping[str, Any]], changes: Sequence[Change]) -> None:
        self._make_ready()
        for tries in range(1, AT_ONCE + 1):
            try:
                self._in_one_transaction(rows, changes)
                break
            except DBAPIError as error:
                if tries == AT_ONCE or not passing(error):
                    raise

    def _make_ready(self) -> None:
        with self._making:
            if not self._ready:
                bring_up_to_date(self.engine)
                self._ready = True

    def _in_one_transaction(self, rows: Sequence[Mapping[str, Any]], changes: Sequence[Change]) -> None:
        """Either all or nothing. A connection that was interrupted, as by a time limit, is not used again: it is in mid-word."""
        connection = self.engine.connect()
        try:
            write(connection, rows, changes)
            connection.commit()
        except SQLAlchemyError:
            raise
        except BaseException:
            connection.invalidate()
            raise
        finally:
            connection.close()


def identity(found: Mapping[str, Any]) -> Identity:
    """The primary key of a message's row."""
    return found["platform"], found["id"], found["source"]


def read(messages: Iterable[Message]) -> tuple[list[dict[str, Any]], list[Change]]:
    """The rows of those that fit their columns, in the order of their keys, and what those say that fit their models.

    Everybody writes in the order of keys, so that no two wait for each other.
    """
    now, rows, changes = datetime.now(UTC), dict[Identity, dict[str, Any]](), list[Change]()
    for message in messages:
        try:
            found = row(message, now)
            rows[identity(found)] = found
            if (told := change(message)) is not None:
                changes.append(told)
        except Unfit:
            continue
    return [rows[key] for key in sorted(rows)], changes


def write(connection: Connection, rows: Sequence[Mapping[str, Any]], changes: Sequence[Change]) -> None:
    """The rows that are not there yet, and what is known of each thing after the changes."""
    if rows:
        connection.execute(unless_there(connection.dialect.name, tables.message), rows)
    for kind, table in TABLES.items():
        if wanted := by_key(each for each in changes if each.kind == kind):
            keep(connection, table, wanted)


def by_key(changes: Iterable[Change]) -> dict[Any, Merged]:
    """What the changes say of each thing together, in the order of their keys."""
    found: dict[Any, list[Change]] = {}
    for each in changes:
        found.setdefault(each.key, []).append(each)
    return {key: merge({}, found[key]) for key in sorted(found)}


def keep(connection: Connection, table: Table, wanted: Mapping[Any, Merged]) -> None:
    """Put in what is new; what is there is locked first and then told what it does not know."""
    [key] = table.primary_key.columns
    connection.execute(
        unless_there(connection.dialect.name, table),
        [{**empty(table), **columns(merged), key.name: value} for value, merged in wanted.items()],
    )
    locked = select(table).where(key.in_(list(wanted))).order_by(key).with_for_update()
    changed = []
    for found in connection.execute(locked).mappings():
        known = unpacked(found)
        merged = newest(known, wanted[found[key.name]])
        if merged != known:
            changed.append({**empty(table), **columns(merged), "its_key": found[key.name]})
    if changed:
        connection.execute(update(table).where(key == bindparam("its_key")), changed)


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


def unless_there(dialect: str, table: Table) -> Any:
    """An INSERT that leaves rows as they are which are there; all else that is wrong with them is an error."""
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing(index_elements=table.primary_key.columns)
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing(index_elements=table.primary_key.columns)
    first = next(iter(table.primary_key.columns))
    return mysql.insert(table).on_duplicate_key_update({first.name: first})


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
