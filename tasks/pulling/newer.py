"""Whom a poll is for, as whoever sent it knows the account: another process may have read a change of the accounts earlier."""

from typing import Any

from celery.utils.log import get_task_logger

from tasks import clock, runtime
from tasks.accounts import Account, differ
from tasks.logs import about
from tasks.store.due import Due
from tasks.text import shown

log = get_task_logger(__name__)

AGAIN_SECONDS = 1.0
"""A poll is put off for so long while the accounts are being read."""

PUT_OFF_SECONDS = 10.0
"""A poll is put off no later than so long after somebody knew more: then it is made with what is known here."""


def account(name: str, since: Any, due: Due) -> Account | None:
    """The account as it was known at `since` or later; None where there is none, or where its poll is put off.

    An earlier version sends no such time: its polls are made with what is known here.
    """
    if not isinstance(since, int | float):
        return _told(name, runtime.account(name))
    found = runtime.account(name, since)
    ago = clock.now() - since
    if runtime.accounts_source().age <= max(0.0, ago) or ago > PUT_OFF_SECONDS:
        return _told(name, found)
    due.put(name, AGAIN_SECONDS)
    return None


def _told(name: str, found: Account | None) -> Account | None:
    if found is None:
        log.info(
            "%s: no poll, as the accounts have none of that name",
            shown(name),
            extra=about("poll_of_nobody", account=name),
        )
    return found


def changed(account: Account) -> bool:
    """Whether the account has changed since its poll began, so that beat may have woken it in vain."""
    return differ(account, runtime.accounts().accounts.get(account.name))
