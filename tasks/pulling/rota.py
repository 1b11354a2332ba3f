"""Whom a beat sends one kind of task for: kept in step with the accounts, and sent when due.

A hundred thousand accounts are brought up to date in small steps, between looks at what is due, so that none is late for it.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain

from tasks import sending
from tasks.accounts import Account, Poll, differ
from tasks.clock import DAY
from tasks.plumbing.fanout import poll_all
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


class Rota:
    """The accounts that one kind of task is sent for. It starts by dropping due times of others and spreading new ones out."""

    def __init__(self, due: Due, task: str, accounts: Mapping[str, Account]) -> None:
        self.due = due
        self.task = task
        self._accounts = accounts
        self._steps = changes(due, None, accounts)

    def follow(self, accounts: Mapping[str, Account], notice: float) -> None:
        """Keep in step with these from now on; changed ones are polled soon, the first of them after `notice` seconds."""
        self._steps = chain(self._steps, changes(self.due, self._accounts, accounts, notice))
        self._accounts = accounts

    def send(self) -> float | None:
        """Send what is due, at most `AT_ONCE`; in how many seconds there is more to do (None: nobody is known).

        Also what this beat does not know: another one may have read newer accounts. Raises what `poll_all` raises.
        """
        behind = self.keep_in_step()
        if not self._accounts and not behind:
            return None
        claim = self.due.claim(AT_ONCE, SENDING_SECONDS)
        if claim.names:
            for keywords, names in sending.polls(claim.names):
                poll_all(self.task, names, keywords, sending.claim_seconds())
            self.due.hold(claim, sending.claim_seconds())
        if claim.known < len(self._accounts) and not behind:
            self._steps, behind = changes(self.due, None, self._accounts), True
        return 0.0 if behind or len(claim.names) == AT_ONCE else claim.next_in

    def keep_in_step(self) -> bool:
        """Do some of what keeping in step asks for; whether there is more."""
        end = time.monotonic() + STEP_SECONDS
        return any(time.monotonic() >= end for _ in self._steps)


def changes(
    due: Due, before: Mapping[str, Account] | None, now: Mapping[str, Account], notice: float = 0.0
) -> Iterator[None]:
    """Make due times fit the accounts, a step at a time; `before` is whom they fit so far, None: whatever stands there."""
    there = due.known() if before is None else before
    new = {name: account for name, account in now.items() if name not in there}
    for some in chunks(first_looks(new)):
        due.seed(dict(some))
        yield
    for gone in chunks(name for name in there if name not in now):
        keeping.gone(gone)
        due.forget(gone)
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
