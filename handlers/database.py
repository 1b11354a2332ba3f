"""Every message into a database, and what trades, refunds and items are now.

Off until `TIDINGS_HANDLERS` names `handlers.database`. `TIDINGS_DATABASE_URL` is SQLAlchemy's, by default an SQLite file
`tidings.db` in the current folder; `TIDINGS_DATABASE_TOPICS` says which topics, comma-separated, by default `*`.

    tidings_message     each message once
    tidings_trade       each order as the newest of its events have it; tidings_refund and tidings_item likewise

A message that cannot be stored costs nobody else: what the database refuses is buried, and while it is away all are tried again.
"""

from collections.abc import Iterator, Sequence

from handlers.errors import NotLoaded

try:
    import alembic
    import sqlalchemy
except ModuleNotFoundError as error:
    raise NotLoaded(
        f"handlers.database needs {(error.name or '').partition('.')[0]}: pip install 'tidings[database]'"
    ) from None

from handlers.message import Message
from handlers.registry import registry
from handlers.storing.engine import connect
from handlers.storing.refused import check
from handlers.storing.settings import settings as settings_of
from handlers.storing.store import Database

__all__ = ["alembic", "on_message", "sqlalchemy", "tidings_database", "together"]

CHOSEN = settings_of()
check(CHOSEN.url)  # what is wrong with it is told at the start, not by each message


@registry.resources.resource
def tidings_database(settings: dict[str, str]) -> Iterator[Database]:
    """This process's way to the database."""
    made = Database(connect(settings_of(settings).url))
    yield made
    made.close()


@registry.handles(*CHOSEN.topics, boxed=True)
def on_message(message: Message, tidings_database: Database) -> None:
    """Store a message, unless that was done with others before."""
    tidings_database.take(message)


@registry.ahead(on_message)
def together(messages: Sequence[Message]) -> None:
    """Store what is about to be handled one by one, in one transaction."""
    made: Database = registry.resources.value(tidings_database.__name__)
    made.store_ahead(messages)
