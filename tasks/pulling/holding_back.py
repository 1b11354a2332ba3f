"""Holds accounts back while messages wait for handlers: looks what an account has open, what waits, and how fast it goes."""

from typing import Any

from tasks import app
from tasks.accounts import Account
from tasks.names import HANDLE
from tasks.rules import backpressure
from tasks.rules.circuit_breaker import LOOKS_A_SECOND
from tasks.runtime import accounts, stores
from tasks.settings import settings

TRIES = 3
"""A connection to a broker that has restarted since is made anew; one that does not answer at all fails the poll, which has
done nothing yet and falls due again."""


def look(account: Account) -> float:
    """For how many seconds the account is not to be pulled; 0 when it may be.

    One that has batches open is looked at again when the next of them is closed. Raises what the broker or Redis raises.
    """
    load = stores().batches.load(account.name)
    wait = account.poll.min if load.batches >= settings().open_batches else behind(account, load)
    if wait and load.batches and not load.held:
        stores().batches.hold(account.name)
    if load.held and not wait:
        stores().batches.let_go(account.name)
    return wait


def behind(account: Account, load: backpressure.Load) -> float:
    """For how many seconds handlers are too far behind for another pull of this account."""
    number = waiting()
    backlog = backpressure.Backlog(number, stores().handling_rate.look(number))
    room = backpressure.room(account.gateway.lease_seconds, settings().handler_seconds)
    longest = max(backpressure.LATEST_SECONDS, len(accounts().accounts) / LOOKS_A_SECOND)
    return backpressure.hold(load, backlog, room, account.poll, longest)


def waiting() -> int:
    """How many handle tasks wait in the broker, of whatever kind it is. Raises the broker's error when it stays away."""
    queue = app.amqp.router.route({}, HANDLE)["queue"]

    def ask(channel: Any) -> int:
        return int(queue(channel).queue_declare().message_count)

    pool: Any = app.pool  # its types say that it holds producers
    with pool.acquire(block=True) as connection:
        number, _ = connection.autoretry(ask, max_retries=TRIES)()
    return int(number)
