"""Pausing, resuming and polling by a person's word. Names that nobody has are refused before anything is done."""

import shlex
from collections.abc import Mapping, Sequence

import click

from tasks.accounts import Account
from tasks.commands.accounts.listing import refuse_unknown, standings
from tasks.commands.ages import told
from tasks.rules import polling
from tasks.rules.circuit_breaker import WITHOUT_END, Kind, Pause
from tasks.runtime import accounts, stores
from tasks.text import shown


def pause(names: Sequence[str], gateways: Sequence[str], reason: str, seconds: float | None) -> None:
    """Pause accounts and gateways for so many seconds, or until somebody resumes them (None)."""
    how_long = "until it is resumed" if seconds is None else f"for {told(seconds)}"
    for kind, name in chosen(names, gateways):
        put(kind, name, reason, seconds)
        click.echo(f"{kind} {shown(name)} is paused {how_long}")


def resume(names: Sequence[str], gateways: Sequence[str]) -> None:
    """End pauses, and poll the accounts concerned."""
    for kind, name in chosen(names, gateways):
        there = end(kind, name)
        click.echo(f"{kind} {shown(name)} {'is resumed' if there else 'was not paused'}")
    known = accounts().accounts
    tell_unknown(wake({name: each for name, each in known.items() if name in names or each.gateway.name in gateways}))
    tell_paused([known[name] for name in names])


def poll(names: Sequence[str]) -> int:
    """Poll accounts now; the exit code."""
    known = accounts().accounts
    refuse_unknown("account", names, known)
    if not names:
        raise click.UsageError("say which accounts")
    held = tell_paused([known[name] for name in names])
    ready = {name: known[name] for name in names if name not in held}
    tell_unknown(wake(ready))
    for name in ready:
        click.echo(f"account {shown(name)} is polled now")
    return 1 if held else 0


def put(kind: Kind, name: str, reason: str, seconds: float | None) -> None:
    """Put a person's pause, which ends after so many seconds, or when a person ends it (None)."""
    now = stores().clock.now()
    until = WITHOUT_END if seconds is None else now + seconds
    stores().pauses.put(kind, name, Pause(until, reason, by_hand=True), now=now)


def end(kind: Kind, name: str) -> bool:
    """End a pause, whoever put it; whether there was one. What an account's latest deliveries came to is forgotten."""
    if kind == "account":
        stores().recent.clear(name)
    return stores().pauses.end(kind, name)


def chosen(names: Sequence[str], gateways: Sequence[str]) -> list[tuple[Kind, str]]:
    """Each account and gateway, once. Raises `UsageError` when one is unknown or none is given."""
    refuse_unknown("account", names, accounts().accounts)
    refuse_unknown("gateway", gateways, accounts().gateways)
    if not names and not gateways:
        raise click.UsageError("say which accounts, or which --gateway")
    found: list[tuple[Kind, str]] = [("account", name) for name in names]
    return list(dict.fromkeys([*found, *(("gateway", name) for name in gateways)]))


def wake(ready: Mapping[str, Account]) -> int:
    """Let accounts fall due now, a great many spread like first polls; how many of them no beat has seen yet."""
    delays = dict.fromkeys(ready, 0.0)
    if len(ready) > polling.FIRST_POLLS_A_SECOND:
        delays = polling.first_polls({name: account.poll for name, account in ready.items()})
    return len(ready) - stores().due.wake(delays)


def tell_unknown(unknown: int) -> None:
    """Say on standard error of how many accounts no beat knows."""
    if unknown > 0:
        what = "have no due time yet: a beat polls them when it starts (celery -A tasks beat)"
        click.echo(f"{unknown} accounts {what}", err=True)


def tell_paused(asked: Sequence[Account]) -> set[str]:
    """Name on standard error the accounts that are paused, or behind a paused gateway, with the way out."""
    now = stores().clock.now()
    held = [each for each in standings(asked, now) if each.pause]
    for each in held:
        gateway = ["--gateway", each.account.gateway.name]
        way = shlex.join(gateway if each.paused == "gateway" else [each.name])
        said = f"account {shown(each.name)}: {each.state(now)}, {shown(each.why)}"
        click.echo(f"{said}; celery -A tasks accounts resume {shown(way)}", err=True)
    return {each.name for each in held}
