"""How text from outside is shown to people: in logs, tables and on Flower's pages."""

import re

LONGEST = 120
CREDENTIALS = re.compile(r"(?<=://)[^/?#;]*@")
PARAMETERS = re.compile(r"([?&;][^=&;]*(?:pass|secret|token|key)[^=&;]*=)[^&;]*", re.IGNORECASE)


def shown(text: object, longest: int = LONGEST) -> str:
    """The text with everything that a terminal or a log acts on escaped, and cut when it is long."""
    told = str(text)
    cut = told if len(told) <= longest else told[: longest - 1] + "…"
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
    """The address of a Redis or broker, or of several, with `***` for who logs in and for every secret in its query."""
    return PARAMETERS.sub(r"\1***", CREDENTIALS.sub("***@", url))
