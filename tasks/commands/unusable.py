"""What a command cannot start with."""


class Unusable(Exception):
    """A command cannot do its work as things are; the text says why, and what to do."""
