"""The way to a database: SQLite, PostgreSQL or MariaDB."""

from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from handlers.errors import BadHandler

VARIABLE = "TIDINGS_DATABASE_URL"

NO_URL = (
    "TIDINGS_DATABASE_URL is no SQLAlchemy URL: write sqlite:///tidings.db, "
    "postgresql://user:password@host/name or mariadb://user:password@host/name"
)

DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
"""Those of the extras, for an address that names none."""

UNKNOWN = ("mssql", "oracle")
"""SQLAlchemy's own others. Neither knows `ON CONFLICT`."""

CONNECT_SECONDS = 5
"""A database that does not answer for so long is away."""

BUSY_SECONDS = 5
"""SQLite waits so long for another process that writes; no time limit interrupts that."""

ISOLATION = "READ COMMITTED"
"""What a transaction has locked it sees as it is, and it locks no gaps."""


def address(text: str) -> URL:
    """SQLAlchemy's URL. Raises `BadHandler`, which does not show it, as it may hold a password."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise BadHandler(NO_URL) from None
    return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


def connect(url: URL) -> Engine:
    """An engine that shows no values in its errors and logs, without a connection yet.

    Raises `BadHandler` for a kind of database that is not known, or whose driver is not installed.
    """
    try:
        return _engine(url)
    except ModuleNotFoundError as error:
        extra = {"psycopg": "postgresql", "pymysql": "mariadb"}.get(error.name or "")
        todo = f"pip install 'tidings[{extra}]'" if extra else f"pip install {error.name}"
        raise BadHandler(f"TIDINGS_DATABASE_URL asks for {error.name}, which is not installed: {todo}") from None
    except NoSuchModuleError:
        raise BadHandler("TIDINGS_DATABASE_URL: SQLAlchemy knows no such kind of database here") from None
    except (ArgumentError, ValueError, TypeError):  # what a driver says of it may quote it
        raise BadHandler(NO_URL) from None


def _engine(url: URL) -> Engine:
    kind = url.get_dialect()
    if kind.is_async:
        raise BadHandler(
            f"{VARIABLE} names a driver for asyncio, which is not used here: write {url.get_backend_name()}://…"
        )
    if kind.name in UNKNOWN:
        raise BadHandler(
            f"{VARIABLE}: {kind.name} is none of the databases that are known here: SQLite, PostgreSQL, MariaDB"
        )
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True, connect_args=_timeouts(url))
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(url, hide_parameters=True, isolation_level=ISOLATION, connect_args=_timeouts(url))


def _timeouts(url: URL) -> dict[str, Any]:
    """What the URL does not say itself."""
    if url.get_backend_name() == "sqlite":
        return {} if "timeout" in url.query else {"timeout": BUSY_SECONDS}
    known = url.drivername in DRIVERS.values()
    return {"connect_timeout": CONNECT_SECONDS} if known and "connect_timeout" not in url.query else {}


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Readers and one writer at a time, and no transaction but those that we begin: the driver's own begin too late."""
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")


def _begin_sqlite(connection: Any) -> None:
    """As a writer from the start: who reads first may find that another has written meanwhile, and no wait mends that."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
