"""Handlers, with what they work with."""
