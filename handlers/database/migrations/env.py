"""Run by Alembic: the steps, within the transaction of whoever asks (handlers/database/schema.py)."""

from alembic import context

from handlers.database.tables import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
