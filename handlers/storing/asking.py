"""What a driver says of an address before there is a connection: everything is asked that it looks at by itself."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from inspect import signature
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Dialect
from sqlalchemy.engine import URL

from handlers.environment import LAST_PORT

Arguments = Mapping[str, Any]

NO_SOCKET = "/dev/null"
"""libpq looks at all options before it looks for a server, and here it finds none, at once."""

NUMBERS = ("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
"""Those that libpq reads only once it has a socket of TCP."""

OBJECTS = {
    "psycopg": frozenset({"prepare_threshold", "row_factory", "cursor_factory"}),
    "pymysql": frozenset({"cursorclass", "auth_plugin_map", "conv", "defer_connect"}),
}
"""What a driver takes from a program only: with a text in its place each connection or statement fails."""


def ask(dialect: Dialect, url: URL) -> None:
    """Raise what the driver raises, or `ValueError`, for what it refuses. Other drivers than the extras' are asked nothing."""
    if (url.port or 0) > LAST_PORT:
        raise ValueError("no port")
    (url.host or "").encode("idna")  # no system can be asked for it else, which is no `OSError`
    args, arguments = dialect.create_connect_args(url)
    if arguments.keys() & OBJECTS.get(dialect.driver, frozenset()):
        raise ValueError("no text")
    if asks := ASKS.get(dialect.driver):
        asks(args, arguments, dialect)


def known(dialect: Dialect) -> frozenset[str]:
    """The options that a driver knows; none where it says nothing of those that it does not."""
    if dialect.driver == "psycopg":
        from psycopg import pq

        return OBJECTS["psycopg"] | {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    if dialect.driver == "pymysql":
        named = signature(dialect.loaded_dbapi.connect).parameters
        return frozenset(named) | {"ssl_capath", "ssl_cipher", "ssl_check_hostname"}  # these are SQLAlchemy's words
    return frozenset()


def _ask_sqlite(args: Any, arguments: Arguments, _: Dialect) -> None:
    """Open a database in memory with the same options."""
    uri = bool(arguments.get("uri")) and args[0].startswith("file:")
    where = f"file::memory:?{urlsplit(args[0]).query}" if uri else ":memory:"
    with closing(sqlite3.connect(where, **arguments)):
        pass


def _ask_psycopg(_args: Any, arguments: Arguments, _: Dialect) -> None:
    """Begin to connect where no server can be."""
    from psycopg import pq
    from psycopg.conninfo import conninfo_to_dict, make_conninfo, timeout_from_conninfo

    of_libpq = {name: value for name, value in arguments.items() if name not in ("conninfo", "context", "autocommit")}
    found = conninfo_to_dict(arguments.get("conninfo", ""), **of_libpq)
    timeout_from_conninfo(found)
    for name in NUMBERS:
        int(found.get(name) or 0)
    if found.get("gssencmode") == "require":
        found["gssencmode"] = "prefer"  # no socket of this kind can have it
    hosts = str(found.get("host") or found.get("hostaddr") or "").split(",")
    nowhere = {"host": ",".join(NO_SOCKET for _ in hosts), "hostaddr": "", "port": found.get("port") or "5432"}
    connection = pq.PGconn.connect_start(make_conninfo("", **{**found, **nowhere}).encode())
    said = connection.error_message
    connection.finish()
    if f"{NO_SOCKET}/".encode() not in said:
        raise ValueError("libpq did not come as far as looking for its server")


def _ask_pymysql(_args: Any, arguments: Arguments, dialect: Dialect) -> None:
    """Make a connection that does not connect."""
    made = dialect.loaded_dbapi.connect(**arguments, defer_connect=True)
    if not made.use_unicode:
        raise ValueError("texts would be bytes")


ASKS: Mapping[str, Callable[[Any, Arguments, Dialect], None]] = {
    "pysqlite": _ask_sqlite,
    "psycopg": _ask_psycopg,
    "pymysql": _ask_pymysql,
}
