"""A picture of everything as lines of text, for a terminal of some size or for a pipe."""

from collections.abc import Iterator, Sequence

import click

from tasks.commands.ages import told
from tasks.commands.status.attention import Found, Need
from tasks.commands.status.columns import MARK, account_columns, gateway_columns
from tasks.commands.status.findings import findings
from tasks.commands.status.picture import Picture
from tasks.commands.tables import Column, Row, many
from tasks.commands.tables import lines as table_lines

WORDS = {
    Need.PAUSED: "paused",
    Need.FAILING: "failing",
    Need.OLD: "old messages",
    Need.BACKLOG: "backlog",
    Need.FULL: "all batches open",
    Need.UNCONFIRMED: "confirms late",
    Need.OVERDUE: "overdue",
    Need.GATEWAY: "behind a paused gateway",
}


def lines(picture: Picture, accounts: Sequence[Found], width: int | None) -> Iterator[str]:
    """The gateways, the installation in a few lines, and these accounts, the first of all that were chosen."""
    if picture.gateways:
        yield from _table(gateway_columns(picture.now), picture.gateways, width)
        yield ""
    if picture.redis:
        yield click.style(f"installation {picture.id or '(new)'} at {picture.redis}", dim=True)
    yield from sentences(picture)
    yield from (f"{MARK if finding.todo else ''}{finding.text}" for finding in findings(picture))
    if accounts:
        yield ""
        yield from _table(account_columns(picture.now), accounts, width)
    left = len(picture.accounts) - len(accounts)
    if left:
        urgent = sum(picture.needs.values()) - sum(each.need is not Need.NOTHING for _, each in accounts)
        yield f"and {left} more, {urgent or 'none'} of them to look at; --limit 0 shows all"


def sentences(picture: Picture) -> Iterator[str]:
    """How the installation stands."""
    chosen, needs = picture.crowd.number, picture.needs
    of = "" if chosen == picture.known else f"{chosen} of "
    urgent = ", ".join(f"{number} {WORDS[need]}" for need, number in needs.items())
    yield f"{of}{many(picture.known, 'account')}, {sum(needs.values()) or 'none'} to look at{urgent and ': ' + urgent}"
    depths = ", ".join(f"{name} {'-' if depth is None else depth}" for name, depth in picture.queues.items())
    latest = f"latest pull {told(picture.now - picture.pulled)} ago" if picture.pulled else "nothing pulled yet"
    workers = "-" if picture.workers is None else picture.workers
    beats = "" if picture.beats is None else f"; beats: {picture.beats}"
    yield f"queues: {depths}; workers: {workers}; {latest}{beats}"
    yield from _today(picture)


def _today(picture: Picture) -> Iterator[str]:
    """What went wrong today with these accounts, lately or not."""
    told_of = [(picture.crowd.failed, "tries failed")]
    for name, words in (("late_confirms", "messages were confirmed late"), ("unconfirmed", "were not confirmed")):
        told_of.append((picture.crowd.today[name], words))
    if found := [f"{number} {words}" for number, words in told_of if number]:
        yield f"today {', '.join(found)}"


def _table(columns: Sequence[Column[Row]], rows: Sequence[Row], width: int | None) -> Iterator[str]:
    head, *others = table_lines(columns, rows, width)
    yield click.style(head, bold=True)
    yield from others
