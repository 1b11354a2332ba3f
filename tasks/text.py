"""How text from outside is shown to people: in logs, tables and on Flower's pages."""

import re

LONGEST = 120
CREDENTIALS = re.compile(r"(?<=://)(?:(?![;,\s][a-z][a-z0-9+.:]*://).)*@", re.IGNORECASE | re.DOTALL)
PARAMETERS = re.compile(r"([?&;][^=&;\s]*(?:pass|secret|token|key)[^=&;\s]*=)\S*", re.IGNORECASE)


def shown(text: object, longest: int = LONGEST) -> str:
    """The text with everything that a terminal or a log acts on escaped, and cut when it is long."""
    told = str(text)
    cut = told if len(told) <= longest else told[: longest - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut)


def plain(text: str) -> str:
    """The text with all but plain characters written as escapes, so that it can be read back with `unplain`.

    What a task returns is logged as it is, by Celery: an id must not bring line ends or terminal codes with it.
    """
    return text.encode("unicode_escape").decode("ascii")


def unplain(text: str) -> str:
    """The text that `plain` was given."""
    return text.encode("ascii").decode("unicode_escape")


def masked(url: str) -> str:
    """A text with addresses in it, with `***` for who logs in and for every secret in their queries.

    A password may have any character, quoted or not, so what hides it rather hides too much: all up to the last `@` before
    another address begins, and all that follows a parameter that sounds like a secret.
    """
    return PARAMETERS.sub(r"\1***", CREDENTIALS.sub("***@", url))
