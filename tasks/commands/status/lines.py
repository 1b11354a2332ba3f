"""A picture of everything as lines of text, for a terminal of some size or for a pipe."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasks.commands.ages import told
from tasks.commands.status.attention import Found, Need
from tasks.commands.status.numbers import many
from tasks.commands.status.reading import Picture
from tasks.commands.status.tables import MARK, account_lines, gateway_lines
from tasks.commands.status.whole import Whole, missing

WORDS = {
    Need.PAUSED: "paused",
    Need.OLD: "old messages",
    Need.BACKLOG: "backlog",
    Need.FULL: "all batches open",
    Need.OVERDUE: "overdue",
    Need.GATEWAY: "behind a paused gateway",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `head` for a table's."""

    text: str
    head: bool = False


def lines(picture: Picture, accounts: Sequence[Found], width: int | None) -> Iterator[Line]:
    """The gateways, the installation in a few lines, and these accounts, the first of all that were chosen."""
    if picture.gateways:
        yield from _table(gateway_lines(picture.gateways, picture.now, width))
        yield Line("")
    for text in (
        *sentences(picture.whole, picture.now),
        *(MARK + text for text in missing(picture.whole, picture.now)),
    ):
        yield Line(text)
    if accounts:
        yield Line("")
        yield from _table(account_lines(accounts, picture.now, width))
    left = len(picture.accounts) - len(accounts)
    if left:
        urgent = sum(picture.whole.needs.values()) - sum(each.need is not Need.NOTHING for _, each in accounts)
        yield Line(f"and {left} more, {urgent or 'none'} of them to look at; --limit 0 shows all")


def sentences(whole: Whole, now: float) -> Iterator[str]:
    """How the installation stands."""
    everybody = many(whole.accounts, "account")
    chosen = everybody if whole.shown == whole.accounts else f"{whole.shown} of {everybody}"
    urgent = ", ".join(f"{number} {WORDS[need]}" for need, number in whole.needs.items())
    yield f"{chosen}, {sum(whole.needs.values()) or 'none'} to look at{urgent and ': ' + urgent}"
    depths = ", ".join(f"{name} {'-' if depth is None else depth}" for name, depth in whole.queues.items())
    latest = "nothing pulled yet" if whole.pulled is None else f"latest pull {told(now - whole.pulled)} ago"
    workers = "-" if whole.workers is None else whole.workers
    yield f"queues: {depths}; workers: {workers}; {latest}"
    if whole.letters:
        yield f"{many(whole.letters, 'dead letter')} to look at: celery -A tasks letters list"


def _table(texts: Sequence[str]) -> Iterator[Line]:
    head, *rows = texts
    yield Line(head, head=True)
    yield from map(Line, rows)
