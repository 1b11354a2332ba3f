"""Making the tables, and bringing those of an earlier version up to date."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text

from handlers.storing.tables import VERSION_TABLE

MIGRATIONS = Path(__file__).parent / "migrations"

LOCK = 7_404_646
"""PostgreSQL's advisory locks are numbers; this one is ours by choice."""

LOCK_SECONDS = 60


class NewerSchema(Exception):
    """The tables were made by a later version of Tidings than this one."""


def bring_up_to_date(engine: Engine) -> None:
    """Make the tables, or change those that are there; nothing when they are as they should be.

    Any number of processes may call it at the same time: one does it, the others wait. Raises `NewerSchema`, and what SQLAlchemy
    raises.
    """
    wanted = scripts().get_current_head()
    with engine.connect() as connection:
        if version(connection) == wanted:
            return
    with engine.begin() as connection, locked(connection):
        if version(connection) != wanted:
            upgrade(connection)


def version(connection: Connection) -> str | None:
    """That of the tables which are there; None for none."""
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def scripts() -> ScriptDirectory:
    """The steps from each version to the next."""
    return ScriptDirectory(str(MIGRATIONS))


def upgrade(connection: Connection) -> None:
    """To the newest version, within the transaction of the connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise NewerSchema("a later version of Tidings has made the tables; use that one") from None


@contextmanager
def locked(connection: Connection) -> Iterator[None]:
    """Keep other processes from the same work. SQLite's transactions do so by themselves, as each begins as a writer."""
    kind = connection.dialect.name
    if kind == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    if kind not in ("mysql", "mariadb"):
        yield
        return
    connection.execute(text("SELECT GET_LOCK(:lock, :seconds)"), {"lock": VERSION_TABLE, "seconds": LOCK_SECONDS})
    try:
        yield
    finally:
        connection.execute(text("SELECT RELEASE_LOCK(:lock)"), {"lock": VERSION_TABLE})
