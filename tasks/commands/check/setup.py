"""What `check` says of versions, accounts, handlers, leases and the broker."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from celery import Celery
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from handlers import Handler
from handlers.errors import HandlersError
from tasks.accounts import Account, Accounts, AccountsError, load
from tasks.accounts.extra import extra_of, unresolved
from tasks.accounts.faults import Fault
from tasks.accounts.origins import open_origin
from tasks.accounts.secrets import Secrets, Unresolved
from tasks.commands.check.finding import Finding, fail, note, ok, warn
from tasks.commands.check.rights import rights
from tasks.plumbing.versions import untested
from tasks.plumbing.visibility import visibility
from tasks.rules.lease import try_seconds
from tasks.runtime import registry
from tasks.settings import passed_over, settings, unknown
from tasks.store.refusals import refusal
from tasks.text import masked, shown

BROKER_SECONDS = 5
SHOWN_TOPICS = 10
SHOWN_EXTRA = 10
WEBHOOK = "handlers.webhook"


def versions_findings() -> Iterator[Finding]:
    """Whether Celery and its like are those that were tested."""
    if told := untested():
        yield warn("versions", f"not tested with this: {told}", "install what was tested, or set TIDINGS_STOCK=1")
    else:
        yield ok("versions", "what is installed is what was tested")


def debug_findings() -> Iterator[Finding]:
    """Whether logs may hold what messages say."""
    if settings().debug:
        text = "TIDINGS_DEBUG is set: logs show what handlers' errors say, which may be buyer data"
        yield warn("logs", text, "unset it, but for development")


def names_findings() -> Iterator[Finding]:
    """Variables that look like settings and are none."""
    for said in unknown(os.environ):
        yield warn("settings", shown(said, 300), "correct its name, or unset it")
    for said in passed_over(os.environ):
        yield note("settings", said)


def accounts_findings() -> Iterator[Finding]:
    """Every fault of the accounts, what is unwise in them, and whether the times that are set fit their platforms' leases."""
    source = shown(settings().accounts)
    try:
        accounts = load(settings().accounts)
    except AccountsError as error:
        for fault in error.faults:
            yield fail("accounts", str(fault), mending(fault, source))
        return
    counts = f"{len(accounts.accounts)} accounts behind {len(accounts.gateways)} gateways in {source}"
    if accounts.accounts:
        yield ok("accounts", counts)
    else:
        yield warn("accounts", counts, "nobody is polled; write your shops into it")
    for warning in accounts.warnings:
        yield warn("accounts", warning, f"change it in {source}")
    for said in accounts.notes:
        yield note("accounts", said)
    yield from extra_findings(accounts)
    yield from fitting(accounts, visibility(), settings().handler_seconds)


def mending(fault: Fault, source: str) -> str:
    """What to do about a fault of the accounts of that source."""
    if fault.expected.startswith(("the environment variable", "the secret's file")):
        return f"set it where workers are started, and here to check it; or correct {source}"
    if fault.path == source and fault.expected.startswith("there is no such file"):
        return "write it (`celery -A tasks sandbox accounts` prints one to begin with), or set TIDINGS_ACCOUNTS"
    return f"correct {source}, or set TIDINGS_ACCOUNTS to another one"


def extra_findings(accounts: Accounts) -> Iterator[Finding]:
    """What `env:` and `file:` in the accounts' free tables lead nowhere: handlers that ask for such a table would fail."""
    secrets = Secrets(os.environ, open_origin(settings().accounts).folder)
    missing = [said for account in accounts.accounts.values() for said in unresolved(account, secrets)]
    for said in missing[:SHOWN_EXTRA]:
        yield warn("accounts", shown(said, 500), "set it where handlers run, and here to check it")
    if len(missing) > SHOWN_EXTRA:
        yield warn("accounts", f"and {len(missing) - SHOWN_EXTRA} more such", "set them where handlers run, and here")
    unposted = list(_unposted(accounts.accounts.values(), secrets))
    for said in unposted[:SHOWN_EXTRA]:
        yield warn(
            "accounts", shown(said, 500), f"correct it in {shown(settings().accounts)}: its posts fail until then"
        )
    if len(unposted) > SHOWN_EXTRA:
        yield warn("accounts", f"and {len(unposted) - SHOWN_EXTRA} more such", "correct them too")


def _unposted(accounts: Iterable[Account], secrets: Secrets) -> Iterator[str]:
    """What `handlers.webhook`, where it is named, would fail with for each message of these accounts."""
    try:
        posts = any(handler.function.__module__ == WEBHOOK for handler in registry())
    except HandlersError:  # told elsewhere
        return
    if not posts:
        return
    from handlers.webhook import wrong  # it reads its own settings as it is imported, so not unless it is in use

    for account in accounts:
        with suppress(Unresolved):  # the same
            if said := wrong(extra_of(account, secrets)):
                yield f"accounts.{account.name}: {said}"


def handlers_findings() -> Iterator[Finding]:
    """Which topics have a handler."""
    try:
        found = list(registry())
    except HandlersError as error:
        yield fail("handlers", str(error), "correct the module or the setting that it names, or TIDINGS_HANDLERS")
        return
    own = [handler for handler in found if not handler.fallback]
    if own:
        yield ok("handlers", f"{len(own)} of your own: {_topics(own)}")
    else:
        text = f"only those that ship, which log a line: {_topics(found)}"
        todo = "write your own (`python -m pydoc handlers` shows how), and name it in TIDINGS_HANDLERS"
        yield warn("handlers", text, todo)


def fitting(accounts: Accounts, hidden: float, handler_seconds: float) -> Iterator[Finding]:
    """What the leases say of how long a killed worker's tasks stay hidden, and of how long a handler may run; seconds."""
    shortest = min((gateway.lease_seconds for gateway in accounts.gateways.values()), default=None)
    if shortest is None:
        return
    if hidden >= shortest:
        text = f"a killed worker's tasks stay hidden for {hidden:g} s, longer than the shortest lease of {shortest:g} s"
        yield fail("leases", text, "leave TIDINGS_VISIBILITY_SECONDS unset, or set it lower")
    else:
        text = f"a killed worker's tasks come again after {hidden:g} s, within every lease (shortest {shortest:g} s)"
        yield ok("leases", text)
    for gateway in accounts.gateways.values():
        limit = try_seconds(gateway.lease_seconds, handler_seconds)
        if limit < handler_seconds:
            text = f"{gateway.name}: under a lease of {gateway.lease_seconds:g} s a handler has {limit:g} s"
            todo = "keep its handlers shorter than that, or raise lease_seconds if the platform's own is longer"
            yield warn("leases", text, todo)


def broker_findings(app: Celery) -> Iterator[Finding]:
    """Whether the broker takes connections, and what workers do there. What is to be said of a Redis that is the state's too has
    been said."""
    address = settings().broker
    url = str(address or masked(settings().broker_url))
    try:
        with app.connection_for_write(connect_timeout=BROKER_SECONDS) as connection:
            connection.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)
            against = [] if address else list(refusals(connection, app.amqp.queues.values()))
        rules = (
            list(rights("broker", address, state=False, broker=True)) if address not in (None, settings().redis) else []
        )
    except (KombuError, RedisError, OSError) as error:
        said = refusal(error, "start it, or set TIDINGS_BROKER_URL")
        yield fail("broker", f"{url} {said.text}", said.todo)
        return
    yield ok("broker", f"{url} takes connections")
    for refused in against:
        yield fail("broker", shown(refused, 500), "do as it says, then check again")
    yield from rules


def refusals(connection: Any, queues: Iterable[Any]) -> Iterator[Exception]:
    """What the broker has against the queues that Tidings declares: there may be one of the same name and another kind."""
    for queue in queues:
        try:
            with connection.channel() as channel:
                queue(channel).declare()
        except connection.channel_errors as error:
            yield error


def _topics(handlers: list[Handler]) -> str:
    topics = sorted(handler.topic for handler in handlers)
    more = f" and {len(topics) - SHOWN_TOPICS} more" if len(topics) > SHOWN_TOPICS else ""
    return ", ".join(shown(topic) for topic in topics[:SHOWN_TOPICS]) + more
