"""What every peer shares: one account, Tidings' own client for its platform, and the handlers' work.

So what is compared is the way of a message through a queue, not HTTP or signatures.
"""

import json
import os
from collections.abc import Sequence
from functools import cache

from tasks.accounts import Account, load
from tasks.platforms import client_for
from tasks.platforms.base import Item
from tests.bench.throughput.work import work

ACCOUNT = "shop"
REDIS = os.environ.get("BENCH_REDIS", "redis://127.0.0.1:6379/0")
OPEN_BATCHES = int(os.environ.get("BENCH_OPEN_BATCHES", "4"))
"""How many batches may be under way: so many lanes of pull, handle, confirm, pull … are started."""

POLL_SECONDS = 0.1
"""The wait before the next pull after one that did not come back full."""


@cache
def account() -> Account:
    """The account of the accounts file that Tidings is given too."""
    return load(os.environ["TIDINGS_ACCOUNTS"]).accounts[ACCOUNT]


def pull() -> tuple[Item, ...]:
    """One call for the next messages."""
    return client_for(account().gateway).pull(account()).items


def is_full(number: int) -> bool:
    """Whether a pull brought all it may, so that the next one should follow at once."""
    return number >= account().quantity


def confirm(receipts: Sequence[str]) -> None:
    """Tell the platform that these messages are done with."""
    client = client_for(account().gateway)
    for start in range(0, len(receipts), client.confirm_limit):
        client.confirm(account(), receipts[start : start + client.confirm_limit])


def handle(id_: str, topic: str, content: str) -> None:
    """Read one message and do its work."""
    json.loads(content)
    work(topic, id_)
