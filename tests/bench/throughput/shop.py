"""What every peer shares: the accounts, Tidings' own client for their platform, and the handlers' work.

So what is compared is the way of a message through a queue, not HTTP or signatures.
"""

import json
import os
from collections.abc import Sequence
from functools import cache

from tasks.accounts import Account, Accounts, load
from tasks.platforms.base import Item
from tasks.platforms.clients import client_for
from tests.bench.throughput.work import work

REDIS = os.environ.get("BENCH_REDIS", "redis://127.0.0.1:6379/0")
LANES = int(os.environ.get("BENCH_LANES", "4"))
"""How many accounts there are. A lane is what is done for one of them, over and over: pull, handle, confirm. So an account
has one pull at a time, with Tidings and with everybody else, and so many batches may be under way in all."""

EACH = int(os.environ.get("BENCH_EACH", "100"))
"""Tasks at a time in each process, for those whose command does not take it."""

WIRE = "wire"
"""The queue of pulls and confirms, where a library has several."""

POLL_SECONDS = 0.1
"""The wait before an account's next pull after one that did not come back full."""


def lanes() -> range:
    """The lanes' numbers, from 1."""
    return range(1, LANES + 1)


def name(lane: int) -> str:
    """The account of that lane."""
    return f"shop-{lane}"


def group(lane: int) -> str:
    """The account's consumer group on the platform: a queue of its own."""
    return f"g{lane}"


@cache
def accounts() -> Accounts:
    """The accounts file that Tidings is given too."""
    return load(os.environ["TIDINGS_ACCOUNTS"])


@cache
def account(lane: int) -> Account:
    """The account of that lane."""
    return accounts().accounts[name(lane)]


def pull(lane: int) -> tuple[Item, ...]:
    """One call for the account's next messages."""
    return client_for(account(lane).gateway).pull(account(lane)).items


def is_full(lane: int, number: int) -> bool:
    """Whether a pull brought all it may, so that the next one should follow at once."""
    return number >= account(lane).quantity


def confirm(lane: int, receipts: Sequence[str]) -> None:
    """Tell the platform that these messages of the account are done with."""
    client = client_for(account(lane).gateway)
    for start in range(0, len(receipts), client.confirm_limit):
        client.confirm(account(lane), receipts[start : start + client.confirm_limit])


def handle(id_: str, topic: str, content: str) -> None:
    """Read one message and do its work."""
    json.loads(content)
    work(topic, id_)
