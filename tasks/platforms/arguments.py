"""What callers hand to a client, checked before it costs a call."""

from collections.abc import Sequence
from typing import TypeVar

from tasks.accounts import Account

Kind = TypeVar("Kind", bound=Account)


def own(account: Account, kind: type[Kind]) -> Kind:
    """The account as its platform's kind. Raises `TypeError` for another platform's, a mistake of the caller."""
    if not isinstance(account, kind):
        raise TypeError(f"accounts.{account.name} is a {type(account).__name__}, a {kind.__name__} was expected")
    return account


def joined(receipts: Sequence[str], limit: int) -> str:
    """The receipts as the comma list that `confirm` sends. Raises `ValueError` unless there are 1 to `limit`."""
    if not 1 <= len(receipts) <= limit:
        raise ValueError(f"{len(receipts)} receipts, one call confirms 1 to {limit}")
    return ",".join(receipts)
