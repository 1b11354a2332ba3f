"""handlers.database."""
