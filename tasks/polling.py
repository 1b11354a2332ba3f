"""When to poll an account next. Pure; spans are seconds.

full batch      at once: more is waiting
some messages   after poll.min
none            twice as long as last time, up to poll.max
failed          as the error says, else like an empty pull
"""

from collections.abc import Iterable, Mapping

from tasks.accounts import Poll

FIRST_POLLS_A_SECOND = 100
"""Accounts that nobody has polled yet are spread so that no more than this many fall due in a second, if poll.max allows."""


def next_interval(got: int, asked: int, last: float | None, poll: Poll) -> float:
    """The wait until the next pull, after one that asked for `asked` messages and got `got`."""
    if got >= asked:
        return 0.0
    if got:
        return poll.min
    return min(poll.max, max(poll.min, 2 * (last or poll.min / 2)))


def first_polls(accounts: Mapping[str, Poll], taken: Iterable[str] = ()) -> dict[str, float]:
    """When to poll each account for the first time, spread evenly: name → delay in seconds. `taken` ones are left out."""
    known = set(taken)
    new = [name for name in accounts if name not in known]
    spread = len(new) / FIRST_POLLS_A_SECOND
    return {
        name: place / len(new) * min(accounts[name].max, max(accounts[name].min, spread))
        for place, name in enumerate(new)
    }
