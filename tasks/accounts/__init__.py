"""Who is polled: the accounts file, or a function's answer, as checked values.

`load` reads them once, `AccountsSource` keeps them up to date; both raise `AccountsError` with every fault of a file.
"""

from tasks.accounts.faults import AccountsError, Fault
from tasks.accounts.fingerprint import app_fingerprint, fingerprint, gateway_fingerprint
from tasks.accounts.models import (
    DEFAULT_GROUP,
    Account,
    Accounts,
    Counter,
    Gateway,
    Poll,
    QianmiAccount,
    QianmiGateway,
    TaobaoAccount,
    TaobaoGateway,
    VvtoolAccount,
    VvtoolGateway,
    differ,
)
from tasks.accounts.source import AccountsSource, load

__all__ = [
    "DEFAULT_GROUP",
    "Account",
    "Accounts",
    "AccountsError",
    "AccountsSource",
    "Counter",
    "Fault",
    "Gateway",
    "Poll",
    "QianmiAccount",
    "QianmiGateway",
    "TaobaoAccount",
    "TaobaoGateway",
    "VvtoolAccount",
    "VvtoolGateway",
    "app_fingerprint",
    "differ",
    "fingerprint",
    "gateway_fingerprint",
    "load",
]
