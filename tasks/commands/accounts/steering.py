"""Pausing, resuming and polling by a person's word. Names that nobody has are refused before anything is done."""

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches

import click

from tasks import clock
from tasks.accounts import Account
from tasks.commands.accounts.listing import standings
from tasks.commands.ages import told
from tasks.rules import polling
from tasks.rules.circuit_breaker import WITHOUT_END, Kind, Pause
from tasks.runtime import accounts, stores
from tasks.text import shown

NO_BEAT = "{} have no due time yet: a beat polls them when it starts (celery -A tasks beat)"


def pause(names: Sequence[str], gateways: Sequence[str], reason: str, seconds: float | None) -> None:
    """Pause accounts and gateways for so many seconds, or until somebody resumes them (None)."""
    now = clock.now()
    put = Pause(WITHOUT_END if seconds is None else now + seconds, reason, by_hand=True)
    how_long = "until it is resumed" if seconds is None else f"for {told(seconds)}"

    def one(kind: Kind, name: str) -> None:
        stores().pauses.put(kind, name, put, now=now)
        click.echo(f"{kind} {shown(name)} is paused {how_long}")

    for_each(names, gateways, one)


def resume(names: Sequence[str], gateways: Sequence[str]) -> None:
    """End pauses, and poll the accounts concerned."""

    def one(kind: Kind, name: str) -> None:
        there = stores().pauses.end(kind, name)
        if kind == "account":
            stores().recent.clear(name)
        click.echo(f"{kind} {shown(name)} {'is resumed' if there else 'was not paused'}")

    for_each(names, gateways, one)
    known = accounts().accounts
    behind = {name: account for name, account in known.items() if account.gateway.name in gateways}
    wake({**behind, **{name: known[name] for name in names}})
    tell_paused([known[name] for name in names])


def poll(names: Sequence[str]) -> int:
    """Poll accounts now; the exit code."""
    known = accounts().accounts
    refuse_unknown("account", names, known)
    if not names:
        raise click.UsageError("say which accounts")
    held = tell_paused([known[name] for name in names])
    ready = {name: known[name] for name in names if name not in held}
    wake(ready)
    for name in ready:
        click.echo(f"account {shown(name)} is polled now")
    return 1 if held else 0


def for_each(names: Sequence[str], gateways: Sequence[str], do: Callable[[Kind, str], None]) -> None:
    """Do something to each account and gateway, once. Raises `UsageError` when one is unknown or none is given."""
    refuse_unknown("account", names, accounts().accounts)
    refuse_unknown("gateway", gateways, accounts().gateways)
    if not names and not gateways:
        raise click.UsageError("say which accounts, or which --gateway")
    for name in dict.fromkeys(names):
        do("account", name)
    for name in dict.fromkeys(gateways):
        do("gateway", name)


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


def wake(chosen: Mapping[str, Account]) -> None:
    """Let accounts fall due now; a great many are spread like first polls."""
    delays = dict.fromkeys(chosen, 0.0)
    if len(chosen) > polling.FIRST_POLLS_A_SECOND:
        delays = polling.first_polls({name: account.poll for name, account in chosen.items()})
    known = stores().due.wake(delays)
    if known < len(chosen):
        click.echo(NO_BEAT.format(f"{len(chosen) - known} accounts"), err=True)


def tell_paused(chosen: Sequence[Account]) -> set[str]:
    """Name on standard error the accounts that are paused, or behind a paused gateway, with the way out."""
    held = [each for each in standings(chosen, clock.now()) if each.pause]
    for each in held:
        name, way = each.account.name, shlex.quote(each.account.name)
        if each.paused == "gateway":
            way = f"--gateway {shlex.quote(each.account.gateway.name)}"
        state = each.state(clock.now())
        click.echo(
            f"account {shown(name)}: {state}, {shown(each.why)}; celery -A tasks accounts resume {shown(way)}", err=True
        )
    return {each.account.name for each in held}
