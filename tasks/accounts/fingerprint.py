"""Telling whether the credentials of an account, or of its gateway, are still the ones that a platform refused."""

import hashlib
import json
from urllib.parse import urlsplit

from pydantic import SecretStr

from tasks.accounts.models import Account, Frozen, Gateway, VvtoolGateway
from tasks.accounts.secrets import UNNEEDED

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


def app_fingerprint(gateway: Gateway) -> str:
    """The same of its app alone, which stays what it is when its gateway gets another name, or its secret is renewed."""
    return _digest([*app_of(gateway)])


def app_of(gateway: Gateway) -> tuple[str, ...]:
    """What a platform knows a gateway's app by; a name of its own where its token is not looked up."""
    key = gateway.token.get_secret_value() if isinstance(gateway, VvtoolGateway) else gateway.app_key
    host = urlsplit(gateway.url).hostname or ""
    return (gateway.name,) if key == UNNEEDED else (gateway.platform, host, key)


def _digest(shown: list[object]) -> str:
    said = ["tidings", *shown]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def _plain(holder: Frozen, fields: tuple[str, ...]) -> list[object]:
    values = (getattr(holder, field, None) for field in fields)
    return [value.get_secret_value() if isinstance(value, SecretStr) else value for value in values]
