"""Posting to an address that somebody has configured: whom it may reach, how it is signed, what the answers mean."""
