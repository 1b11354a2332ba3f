"""Reading numbers out of request parameters."""

import re

_INTEGER = re.compile(r"\d{1,9}", re.ASCII)


def number_of(text: str) -> int | None:
    """The whole number, 0 or more, that the text is, or None."""
    return int(text) if _INTEGER.fullmatch(text) else None


def number_in(allowed: range, text: str) -> int | None:
    """The number that the text is, or None when it is none of those allowed."""
    number = number_of(text)
    return number if number in allowed else None


def is_digits(text: str) -> bool:
    """Whether the text is an id of digits only."""
    return text.isascii() and text.isdigit()
