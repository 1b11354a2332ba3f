"""What handlers.database is made of."""
