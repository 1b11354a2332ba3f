"""How text from outside is shown to people: in logs, tables and on Flower's pages."""

LONGEST = 120


def shown(text: object, longest: int = LONGEST) -> str:
    """The text with everything that a terminal or a log acts on escaped, and cut when it is long."""
    told = str(text)
    cut = told if len(told) <= longest else told[: longest - 1] + "…"
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut)
