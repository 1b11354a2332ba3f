"""Numbers in few characters, as the tables of `status` show them."""

from tasks.commands.ages import told

NONE = "-"
LEAST = 0.01


def brief(number: float | None) -> str:
    """A number in at most five characters: 0.02, 3.5, 412, 12k, 1.2M; `-` for none."""
    if number is None:
        return NONE
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if number >= 10 * size:
            return f"{number / size:.0f}{unit}"
    if number >= 100 or number == int(number):
        return f"{number:.0f}"
    if number >= 1:
        return f"{number:.1f}"
    return f"{number:.2f}" if number >= LEAST else f"<{LEAST}"


def wait(seconds: float | None) -> str:
    """An interval: 0.5s, 8s, 300s."""
    return NONE if seconds is None else f"{seconds:.3g}s"


def ago(at: float | None, now: float) -> str:
    """How long ago something was."""
    return NONE if at is None else told(now - at)


def age(seconds: float | None) -> str:
    """How old something is."""
    return NONE if seconds is None else told(seconds)


def cost(each: float | None) -> str:
    """What one message costs, to two places while it costs little: 0.08, 1.00, 33.2."""
    return brief(each) if each is None or each >= 10 or each < LEAST else f"{each:.2f}"


def part(used: int, of: int | None) -> str:
    """What is used of a limit: 12 of 500; where there is none 12, or `-` for nothing."""
    return str(used or NONE) if of is None else f"{used} of {of}"


def many(number: int, what: str) -> str:
    """1 account, 2 accounts."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
