"""Telling whether the credentials of an account, or of its gateway, are still the ones that a platform refused."""

import hashlib
import json

from pydantic import SecretStr

from tasks.accounts.models import Account, Frozen, Gateway

_GATEWAY = ("platform", "url", "app_key", "app_secret", "access_token", "token", "sign_method")
_ACCOUNT = ("group", "shop_id", "edition", "session")


def fingerprint(account: Account) -> str:
    """Sixteen hex digits that change with what an account and its gateway show the platform: credentials, group, shop.

    One way only: no secret can be read from it. Pace, quantity and names are not in it.
    """
    return _digest([*_plain(account.gateway, _GATEWAY), *_plain(account, _ACCOUNT)])


def gateway_fingerprint(gateway: Gateway) -> str:
    """The same of what all accounts of a gateway have in common: what is refused to one of them is refused to each."""
    return _digest(_plain(gateway, _GATEWAY))


def _digest(shown: list[object]) -> str:
    said = ["tidings", *shown]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def _plain(holder: Frozen, fields: tuple[str, ...]) -> list[object]:
    values = (getattr(holder, field, None) for field in fields)
    return [value.get_secret_value() if isinstance(value, SecretStr) else value for value in values]
