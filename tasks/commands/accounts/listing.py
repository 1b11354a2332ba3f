"""Accounts as a table, and as lines of JSON."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import click

from tasks import clock
from tasks.accounts import Account
from tasks.calling.spent import gateway_pauses
from tasks.commands.accounts.standing import Standing, in_force
from tasks.commands.ages import told
from tasks.commands.tables import json_line, table
from tasks.rules.circuit_breaker import WITHOUT_END
from tasks.runtime import accounts, stores

TODAY = ("calls", "pulled", "handled", "failed", "dead")
HEAD = ("account", "gateway", "platform", "state", "next", "every", "open", *TODAY, "why")


def perform(patterns: Sequence[str], *, paused: bool, as_json: bool) -> None:
    """Print how the accounts stand whose names fit one of the patterns, all without any."""
    now = clock.now()
    known = accounts().accounts
    chosen = [account for account in known.values() if not patterns or fits(account.name, patterns)]
    found = [each for each in standings(chosen, now) if each.pause or not paused]
    if as_json:
        for each in found:
            json_line(fields(each))
        return
    if found:
        table(HEAD, (row(each, now) for each in found))
    held = sum(each.pause is not None for each in found)
    click.echo(f"{len(found)} of {len(known)} accounts, {held} paused; figures are today's", err=True)


def fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name is meant: written out, or by a pattern."""
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)


def standings(chosen: Sequence[Account], now: float) -> Iterator[Standing]:
    """How each of these accounts stands, with few round trips for any number of them."""
    names = [account.name for account in chosen]
    own = stores().pauses.many("account", names)
    gateways = gateway_pauses((account.gateway for account in chosen), now)
    delays, seen = stores().due.delays(names), stores().seen.many(names)
    opened, today = stores().batches.under_way_many(names), stores().tally.read_many(names, now=now)
    for account in chosen:
        name = account.name
        kind, pause = in_force(account, own.get(name), gateways.get(account.gateway.name), now)
        interval = seen[name].interval if name in seen else None
        yield Standing(account, kind, pause, delays.get(name), interval, opened[name], today[name])


def row(each: Standing, now: float) -> tuple[object, ...]:
    """An account as the table shows it."""
    gateway = each.account.gateway
    counts = (each.today.get(name, 0) for name in TODAY)
    when = "no beat" if each.next_in is None else told(each.next_in)
    every = "-" if each.interval is None else f"{each.interval:.3g}s"
    return (
        each.account.name,
        gateway.name,
        gateway.platform,
        each.state(now),
        when,
        every,
        each.open,
        *counts,
        each.why,
    )


def fields(each: Standing) -> dict[str, Any]:
    """An account as JSON has it; times are seconds, `until` since the epoch and None when it has no end."""
    gateway, pause = each.account.gateway, each.pause
    return {
        "name": each.account.name,
        "gateway": gateway.name,
        "platform": gateway.platform,
        "state": "paused" if pause else "polled",
        "paused": pause
        and {
            "whom": each.paused,
            "by_hand": pause.by_hand,
            "until": None if pause.until >= WITHOUT_END else pause.until,
            "reason": pause.reason,
            "remedy": pause.remedy,
        },
        "next_in": each.next_in,
        "interval": each.interval,
        "open_batches": each.open,
        "today": dict(each.today),
    }
