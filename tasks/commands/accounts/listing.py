"""Accounts as a table, and as lines of JSON."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

import click

from tasks.accounts import Account, TaobaoAccount
from tasks.calling.spent import gateway_pauses
from tasks.commands.accounts.standing import Standing, in_force, pause_fields
from tasks.commands.ages import told
from tasks.commands.tables import ALWAYS, NONE, Column, json_line, print_table
from tasks.rules.circuit_breaker import Pause
from tasks.runtime import accounts, stores
from tasks.store.chunks import chunks
from tasks.store.troubles import Trouble
from tasks.text import shown

WILDCARD = re.compile(r"[*?\[]")


def perform(patterns: Sequence[str], *, paused: bool, as_json: bool) -> None:
    """Print how the accounts stand whose names fit one of the patterns, all without any."""
    now = stores().clock.now()
    known = accounts().accounts
    chosen = meant(known, patterns)
    found = [each for each in standings(chosen, now) if each.pause or not paused]
    if as_json:
        for each in found:
            json_line(fields(each))
        return
    if found:
        print_table(columns(now), found)
    held = sum(each.pause is not None for each in found)
    click.echo(f"{len(found)} of {len(known)} accounts, {held} paused; figures are today's", err=True)


def meant(known: Mapping[str, Account], patterns: Sequence[str]) -> list[Account]:
    """The accounts whose names are written out, or fit a pattern; all without any. Raises `UsageError` for a name that nobody
    has: whoever watches a shop that was renamed is not to read that all is well."""
    refuse_unknown("account", [each for each in patterns if each not in known and not WILDCARD.search(each)], known)
    wild = [each for each in patterns if each not in known]  # what is a name is no pattern, were it `shop-*`
    return [account for name, account in known.items() if not patterns or name in patterns or fits(name, wild)]


def fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name fits one of these patterns."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def refuse_unknown(what: str, names: Sequence[str], known: Iterable[str]) -> None:
    """Raise `UsageError` for names that nobody has, with those that may have been meant."""
    there = set(known)
    said = []
    for name in dict.fromkeys(names):
        if name not in there:
            near = ", ".join(shown(each) for each in get_close_matches(name, there))
            said.append(f"there is no {what} {shown(name)}{f'; did you mean {near}?' if near else ''}")
    if said:
        raise click.UsageError("\n".join(said))


def standings(
    chosen: Iterable[Account], now: float, gateways: Mapping[str, Pause] | None = None, *, secrets: bool = True
) -> Iterator[Standing]:
    """How each of these accounts stands, with few round trips for any number of them, a thousand at a time. `gateways` are the
    pauses of their gateways where they are known already; without `secrets`, as `in_force` says."""
    wrong: dict[str, list[Trouble]] = {}
    for trouble in stores().troubles.read():
        wrong.setdefault(trouble.account, []).append(trouble)
    for some in chunks(chosen):
        held = gateway_pauses((account.gateway for account in some), now) if gateways is None else gateways
        yield from _standings(some, now, held, wrong, secrets=secrets)


def _standings(
    some: Sequence[Account],
    now: float,
    gateways: Mapping[str, Pause],
    wrong: Mapping[str, Sequence[Trouble]],
    *,
    secrets: bool,
) -> Iterator[Standing]:
    names = [account.name for account in some]
    own, delays, seen = stores().pauses.many("account", names), stores().due.delays(names), stores().seen.many(names)
    opened, today = stores().batches.under_way_many(names), stores().tally.read_many(names, now=now)
    counted = {account.name for account in some if isinstance(account, TaobaoAccount) and account.counter}
    waiting = stores().counts.learnt_many(counted) if counted else {}
    for account in some:
        name = account.name
        yield Standing(
            account,
            *in_force(account, own.get(name), gateways.get(account.gateway.name), now, secrets=secrets),
            next_in=delays.get(name),
            seen=seen.get(name),
            open=opened[name],
            today=Counter(today[name]),
            waiting=int(waiting[name]) if name in counted and name in waiting else None,
            troubles=tuple(wrong.get(name, ())),
        )


def columns(now: float) -> list[Column[Standing]]:
    """What the table shows of an account."""

    def count(what: str, wanted: int) -> Column[Standing]:
        return Column(what, lambda each: each.today[what], wanted)

    return [
        Column("account", lambda each: each.name, number=False),
        Column("gateway", lambda each: each.account.gateway.name, 7, number=False),
        Column("platform", lambda each: each.account.gateway.platform, 2, number=False),
        Column("state", lambda each: each.state(now), ALWAYS, number=False),
        Column("next", lambda each: "no beat" if each.next_in is None else told(each.next_in), 8),
        Column("every", lambda each: NONE if each.interval is None else f"{each.interval:.3g}s", 3),
        Column("open", lambda each: each.open, 9),
        count("calls", 4),
        count("pulled", 1),
        count("handled", 5),
        Column("failed", lambda each: each.failed, 6),
        count("dead", 6),
        count("unhandled", 6),
        count("superseded", 6),
        Column("why", lambda each: each.why, number=False),
    ]


def fields(each: Standing) -> dict[str, Any]:
    """An account as JSON has it; times are seconds, `until` since the epoch and None when it has no end."""
    return {
        "name": each.name,
        "gateway": each.account.gateway.name,
        "platform": each.account.gateway.platform,
        "state": "paused" if each.pause else "polled",
        "paused": each.pause and {"whom": each.paused, **pause_fields(each.pause)},
        "next_in": each.next_in,
        "interval": each.interval,
        "open_batches": each.open,
        "today": dict(each.today),
        "troubles": [
            {name: value for name, value in asdict(trouble).items() if name != "account"} for trouble in each.troubles
        ],
    }
