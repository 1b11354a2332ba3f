"""Run by Alembic: the steps, within the transaction of whoever asks (handlers/storing/schema.py)."""

from alembic import context

from handlers.storing.tables import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
