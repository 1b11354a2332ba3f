"""How long a message waits for its key: until those before it have had their turns, as far as one can tell. Pure; seconds.

A wait that is too short costs a look at Redis and a way through the broker, one that is too long leaves the key unused. So it
goes by how long the handler usually takes, and where the one that runs takes longer than that, by how long it has run: the number
of looks grows with the logarithm of the wait.
"""

LEAST_SECONDS, LONGEST_SECONDS = 0.02, 10.0

SHARE = 0.5
"""Of what one has waited, or the one before it has run, one waits so much more."""

JITTER = 0.2


def wait(place: int, ran: float, usual: float, *, dice: float = 0.5) -> float:
    """For a message that has so many others before it, whose first has run for `ran` seconds already.

    `usual` is how long a handler takes, `dice` a random number from 0 to 1: not all come again at once.
    """
    first = usual - ran if ran < usual else SHARE * ran
    return _within(place * usual + first, dice)


def wait_behind(waited: float, *, dice: float = 0.5) -> float:
    """For one that is to be handled after a newer one, which waits itself; it has waited for so long."""
    return _within(SHARE * waited, dice)


def _within(seconds: float, dice: float) -> float:
    return min(LONGEST_SECONDS, max(LEAST_SECONDS, seconds)) * (1 + JITTER * dice)
