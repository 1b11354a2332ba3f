"""Whom a beat sends one kind of task for: kept in step with the accounts, and sent when due.

A hundred thousand accounts are brought up to date in small steps, between looks at what is due, so that none is late for it.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain

from tasks import sending
from tasks.accounts import Account, Poll, differ
from tasks.clock import DAY
from tasks.logs import about
from tasks.logs.seldom import Seldom
from tasks.plumbing.fanout import poll_all, waiting
from tasks.pulling import keeping
from tasks.rules import polling
from tasks.runtime import stores
from tasks.store.chunks import chunks
from tasks.store.due import Due

FIRST_SHARE = 0.05
"""Of a day's quota, so much may go into first polls at their ordinary pace."""

AT_ONCE = 200
"""How many accounts one claim takes: a batch of tasks that is sent in some ten milliseconds."""

SENDING_SECONDS = 2.0
"""What was claimed falls due again after so long, should its beat be killed before it was sent. Sending takes far less."""

STEP_SECONDS = 0.02
"""What keeping in step may take of one look."""

LEAST_WAITING = 1000
"""So many polls may wait in their queue, and two of each account where that is more. Redis keeps a poll, of a kilobyte, until a
worker takes it, and each account falls due every 23 s: without workers, 10,000 of them would fill a gigabyte in 40 minutes."""

LOOK_SECONDS = 5.0
"""How often a beat looks how many wait."""

log = logging.getLogger(__name__)
_told = Seldom(60.0)


def most_waiting(accounts: int) -> int:
    """How many polls may wait in their queue before a beat sends no more: what is behind so many comes too late in any case."""
    return max(LEAST_WAITING, 2 * accounts)


class Rota:
    """The accounts that one kind of task is sent for. It starts by dropping due times of others and spreading new ones out."""

    def __init__(self, due: Due, task: str, accounts: Mapping[str, Account]) -> None:
        self.due = due
        self.task = task
        self._accounts = accounts
        self._steps = changes(due, None, accounts)
        self._looked, self._full = -LOOK_SECONDS, False

    def follow(self, accounts: Mapping[str, Account], notice: float) -> None:
        """Keep in step with these from now on; changed ones are polled soon, the first of them after `notice` seconds."""
        self._steps = chain(self._steps, changes(self.due, self._accounts, accounts, notice))
        self._accounts = accounts

    def send(self, most: int = LEAST_WAITING) -> float | None:
        """Send what is due, at most `AT_ONCE`; in how many seconds there is more to do (None: nobody is known).

        Also what this beat does not know: another one may have read newer accounts. Where `most` polls wait already, those who
        are due are only put off. Raises what `poll_all` raises.
        """
        behind = self.keep_in_step()
        if not self._accounts and not behind:
            return None
        claim = self.due.claim(AT_ONCE, SENDING_SECONDS)
        if claim.names:
            for keywords, names in () if self._is_full(most) else sending.polls(claim.names):
                poll_all(self.task, names, keywords, sending.claim_seconds())
            self.due.hold(claim, sending.claim_seconds())
        if claim.known < len(self._accounts) and not behind:
            self._steps, behind = changes(self.due, None, self._accounts), True
        return 0.0 if behind or len(claim.names) == AT_ONCE else claim.next_in

    def _is_full(self, most: int) -> bool:
        """Whether so many polls wait that nobody seems to take them."""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            queue, number = waiting(self.task)
            self._full = number >= most
            if self._full and _told.left_out(queue) is not None:
                text = "%d polls wait in the queue %s and nobody takes them: beat sends no more until some are taken"
                log.warning(text, number, queue, extra=about("polls_held_back", queue=queue))
        return self._full

    def keep_in_step(self) -> bool:
        """Do some of what keeping in step asks for; whether there is more."""
        end = time.monotonic() + STEP_SECONDS
        return any(time.monotonic() >= end for _ in self._steps)


def changes(
    due: Due, before: Mapping[str, Account] | None, now: Mapping[str, Account], notice: float = 0.0
) -> Iterator[None]:
    """Make due times fit the accounts, a step at a time; `before` is whom they fit so far, None: whatever stands there.

    Who is polled no more is forgotten with what pulls told, also what one told that was under way when a beat forgot it.
    """
    there = due.known() if before is None else before
    told = stores().seen.known() if before is None and due.polls else ()
    new = {name: account for name, account in now.items() if name not in there}
    for some in chunks(first_looks(new)):
        due.seed(dict(some))
        yield
    for gone in chunks(name for name in {*there, *told} if name not in now):
        due.forget(gone)
        if due.polls:
            keeping.gone(gone)
            stores().seen.forget(gone)
        yield
    changed: dict[str, Poll] = {}
    for known in chunks((before or {}).items()):
        changed |= {name: now[name].poll for name, account in known if differ(account, now.get(name, account))}
        yield
    for some in chunks(polling.first_polls(changed).items()):
        due.wake({name: notice + delay for name, delay in some})
        yield


def first_looks(new: Mapping[str, Account]) -> Iterator[tuple[str, float]]:
    """When to poll new accounts for the first time: name and delay in seconds.

    Many behind one quota a day are spread as thinly as the quota, or their first polls alone would spend it.
    """
    by_quota: defaultdict[tuple[str, int] | None, dict[str, Poll]] = defaultdict(dict)
    for name, account in new.items():
        quota = account.gateway.calls_per_day
        by_quota[(account.gateway.name, quota) if quota else None][name] = account.poll
    for limited, polls in by_quota.items():
        many = limited is not None and len(polls) > FIRST_SHARE * limited[1]
        pace = limited[1] / DAY if limited and many else None
        yield from polling.first_polls(polls, calls_per_second=pace).items()
