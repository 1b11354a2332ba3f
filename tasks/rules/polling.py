"""When to poll an account next. Pure; spans are seconds.

full batch      at once: more is waiting
some messages   after poll.min, and so after a full batch of which all was done with before
none            twice as long as last time, up to poll.max
                and so after the very batch that came before
failed          as the error says, else like an empty pull

A gateway with limits has a plan (`tasks.rules.plan`). With a quota of calls a day, the plan says what follows a batch that was
not full, and what follows a full one too where the calls that are left do not suffice for all accounts; with points a day or a
limit a second only, it says what the wait is at the least.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.accounts import Poll
from tasks.rules.plan import Plan

FIRST_POLLS_A_SECOND = 100
"""Accounts that nobody has polled yet are spread so that no more than this many fall due in a second, if poll.max allows."""

AFTER_EMPTY_SECONDS = 0.1
"""The least wait after an empty pull: Taobao's and vv-tool's documentation advise it."""


@dataclass(frozen=True, slots=True)
class Following:
    """The seconds until the next pull; `unplanned` is what they were without a plan, to be remembered, as it may double."""

    wait: float
    unplanned: float


def following(
    got: int, asked: int, last: float | None, poll: Poll, *, plan: Plan | None, rate: float, day_left: float
) -> Following:
    """When to pull again, after a pull that asked for `asked` messages and got `got`.

    last      `unplanned` of the pull before, None at first
    plan      the gateway's, None while it has none
    rate      the account's messages a second, this pull counted in; asked for only where there is a plan
    day_left  seconds until the platform's day ends
    """
    unplanned = next_interval(got, asked, last, poll)
    if got >= asked and not (plan and scarce(plan, poll, day_left)):
        return Following(0.0, unplanned)
    wait = unplanned
    if plan is not None:
        planned = past_midnight(plan.interval(rate, poll), day_left, plan.ebb)
        wait = max(planned, unplanned) if plan.holds else planned
    return Following(wait if got else max(AFTER_EMPTY_SECONDS, wait), unplanned)


def counting(got: int, asked: int, *, new: bool, again: bool) -> int:
    """As how many messages a pull counts that brought `got`, of which some are `new` or none. A full batch asks for the next pull
    at once, which would never end where a platform answers every pull with what it has answered already: nothing new counts as a
    partial batch, and the very batch of the pull before, `again`, as none."""
    if got < asked:
        return got
    if again:
        return 0
    return got if new else asked - 1


def scarce(plan: Plan, poll: Poll, day_left: float) -> bool:
    """Whether what is left of the day's calls does not suffice for one more pull of each account: then an account that has more
    waiting does not take the others' calls, and is pulled as often as its plan says."""
    return not plan.holds and plan.stretch > 1 and plan.stretch * poll.max > day_left


def past_midnight(wait: float, day_left: float, ebb: float) -> float:
    """A wait that reaches into the next day, shortened as that day has a quota of its own: today's may be at its ebb."""
    return wait if wait <= day_left else day_left + (wait - day_left) * ebb


def next_interval(got: int, asked: int, last: float | None, poll: Poll) -> float:
    """The wait until the next pull, after one that asked for `asked` messages and got `got`."""
    if got >= asked:
        return 0.0
    if got:
        return poll.min
    return min(poll.max, max(poll.min, 2 * (last or poll.min / 2)))


def first_polls(accounts: Mapping[str, Poll], calls_per_second: float | None = None) -> dict[str, float]:
    """When to poll each account for the first time, spread evenly: name → delay in seconds.

    With `calls_per_second`, what their gateway's quota allows, they are spread over as long as that takes.
    """
    if calls_per_second is not None:
        return {name: place / calls_per_second for place, name in enumerate(accounts)}
    many = len(accounts)
    spread = many / FIRST_POLLS_A_SECOND
    return {
        name: place / many * min(poll.max, max(poll.min, spread)) for place, (name, poll) in enumerate(accounts.items())
    }
