"""Sends letters round once more, and watches what becomes of them."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click

from tasks import clock
from tasks.clock import day
from tasks.commands.letters import redrive
from tasks.commands.letters.choice import Choice
from tasks.commands.letters.progress import shown_progress
from tasks.runtime import stores
from tasks.store.chunks import chunks

AT_ONCE = 500
"""Letters that are read and sent in one go."""

LOOK_SECONDS = 0.25

STAYED = {
    "ignored": "nobody handles their topic",
    "late": "they waited too long for a worker; replay them again",
    "failed": "their messages run already, or could not be tried",
    "duplicate": "their messages were done with meanwhile",
}
"""How a replay ends without the letter being touched, as the tally names it, and what it means."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What has become of letters that were sent: handled and gone, buried again, or left as they were for these reasons."""

    sent: int
    handled: int
    back: int
    stayed: Counter[str]

    @property
    def under_way(self) -> int:
        """Letters of which nothing is known yet."""
        return max(0, self.sent - self.handled - self.back - self.stayed.total())


class Watch:
    """Tells what has become of letters since it was made, which has to be before they are sent.

    A letter that is gone was handled; one with a new time of burial came back. The other ends leave no trace on the letter and
    are taken from the accounts' tallies, where another replay of the same accounts at the same time counts too.
    """

    def __init__(self, ids: Sequence[str], accounts: set[str]) -> None:
        self.accounts = sorted(accounts)
        self.waiting = stores().letters.buried(ids)
        self.handled = self.back = 0
        self.since = clock.now()
        self.before = self._tallied()

    def look(self, sent: int) -> Standing:
        """How it stands with so many letters."""
        now = stores().letters.buried(list(self.waiting))
        handled = [id_ for id_ in self.waiting if id_ not in now]
        back = [id_ for id_, at in now.items() if at != self.waiting[id_]]
        self.handled += len(handled)
        self.back += len(back)
        for id_ in handled + back:
            del self.waiting[id_]
        return Standing(sent, self.handled, self.back, self._tallied() - self.before)

    def _tallied(self) -> Counter[str]:
        """How often replays of these accounts have ended in each way of `STAYED`, since the day the watch began."""
        found: Counter[str] = Counter()
        for at in {day(self.since): self.since, day(clock.now()): clock.now()}.values():
            for counts in stores().tally.read_many(self.accounts, now=at).values():
                found.update({name: counts.get(f"replayed_{name}", 0) for name in STAYED})
        return found


def perform(choice: Choice, seconds: float | None) -> int:
    """Replay the chosen letters and wait until `seconds` pass without an end (None: do not wait); the exit code."""
    found = choice.find(stores().letters, clock.now())
    found.tell_missing()
    ids, replies, unreadable, accounts = sift(found.ids)
    if unreadable:
        click.echo(f"{unreadable} letters were never readable as messages and cannot be replayed", err=True)
    watch = Watch(ids, accounts)
    put_back, sent = send(replies), send(ids)
    if put_back:
        click.echo(f"{put_back} unreadable replies are read again with their accounts' next polls")
    code = 1 if unreadable or found.missing else 0
    if not sent:
        if not put_back:
            click.echo("nothing is replayed")
        return code
    if seconds is None:
        click.echo(f"{sent} letters sent")
        return code
    with shown_progress(sent) as show:
        standing = follow(watch, sent, seconds, show)
    tell(standing)
    return code if standing.handled == sent else 1


def sift(ids: Sequence[str]) -> tuple[list[str], list[str], int, set[str]]:
    """The letters that can be handed to a handler, whole replies, how many are neither, and the accounts of the first."""
    messages, replies, accounts, neither = [], [], set(), 0
    for letter in stores().letters.many(ids):
        if letter.names:
            messages.append(letter.id)
            accounts.add(letter.account)
        elif letter.reply:
            replies.append(letter.id)
        else:
            neither += 1
    return messages, replies, neither, accounts


def send(ids: Sequence[str]) -> int:
    """Send letters, in batches; how many there still were."""
    return sum(redrive.send(stores().letters.many(some)) for some in chunks(ids, AT_ONCE))


def follow(watch: Watch, sent: int, seconds: float, show: Callable[[Standing], None]) -> Standing:
    """Show how it stands until every letter's replay has ended, or none has for so many seconds."""
    patience, left = time.monotonic() + seconds, sent
    while True:
        standing = watch.look(sent)
        show(standing)
        if standing.under_way < left:
            patience, left = time.monotonic() + seconds, standing.under_way
        if not left or time.monotonic() >= patience:
            return standing
        time.sleep(LOOK_SECONDS)


def tell(standing: Standing) -> None:
    """Say what became of the letters, and what to do about those that are still there."""
    click.echo(f"{standing.handled} of {standing.sent} letters handled and gone")
    if standing.back:
        click.echo(f"{standing.back} came back, with a new reason: celery -A tasks letters list")
    for name, number in standing.stayed.items():
        click.echo(f"{number} stay as they were: {STAYED[name]}")
    if standing.under_way:
        click.echo(
            f"{standing.under_way} are under way or are being tried again; each leaves when it is handled. Is a worker up?"
        )
