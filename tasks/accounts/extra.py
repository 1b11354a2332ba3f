"""An account's free table, as handlers get it: what `env:` and `file:` in it stand for is looked up when they ask.

So whoever runs no handlers needs none of its secrets, and none of them is kept.
"""

import json
from collections.abc import Iterator
from typing import Any

from tasks.accounts.models import Account
from tasks.accounts.secrets import Secrets, Unresolved


def extra_of(account: Account, secrets: Secrets) -> dict[str, Any]:
    """The table, made anew for each who asks. Raises `Unresolved`, whose text says where a reference leads nowhere."""
    found: dict[str, Any] = _resolved(_table(account), f"accounts.{account.name}.extra", secrets)
    return found


def unresolved(account: Account, secrets: Secrets) -> Iterator[str]:
    """What a handler that asked for it now would be told."""
    try:
        extra_of(account, secrets)
    except Unresolved as error:
        yield str(error)


def _table(account: Account) -> Any:
    return json.loads(account.extra) if account.extra else {}


def _resolved(value: Any, where: str, secrets: Secrets) -> Any:
    if isinstance(value, dict):
        return {name: _resolved(each, f"{where}.{name}", secrets) for name, each in value.items()}
    if isinstance(value, list):
        return [_resolved(each, f"{where}[{number}]", secrets) for number, each in enumerate(value)]
    if not isinstance(value, str):
        return value
    try:
        return secrets.resolve(value)
    except Unresolved as error:
        raise Unresolved(f"{where}: {error}") from None
