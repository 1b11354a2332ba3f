"""Sends letters round once more, and watches what becomes of them."""

import time
from collections import Counter
from collections.abc import Callable, Sequence

import click

from tasks import clock, redrive
from tasks.clock import day
from tasks.commands.letters.choice import Choice
from tasks.commands.letters.progress import Outcomes, shown_progress
from tasks.commands.queues import said_unserved, unserved
from tasks.commands.sentences import Said, Sentence
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


QUEUED = "letters are queued already: their replay is under way, and another can begin once it has ended, or ten minutes later"


class Watch:
    """Tells what has become of letters since it was made, which has to be before they are sent.

    A letter that is gone was handled; one with a new time of burial came back. The other ends leave no trace on the letter and
    are taken from the accounts' tallies, where another replay of the same accounts at the same time counts too.
    """

    def __init__(self, ids: Sequence[str], accounts: set[str]) -> None:
        self.accounts = sorted(accounts)
        self.buried = stores().letters.buried(ids)
        self.since = clock.now()
        self.before = self._tallied()

    def look(self, sent: int) -> Outcomes:
        """How it stands with so many letters."""
        now = stores().letters.buried(list(self.buried))
        back = sum(at != self.buried[id_] for id_, at in now.items())
        return Outcomes(sent, len(self.buried) - len(now), back, self._tallied() - self.before)

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
    code = found.tell_missing()
    ids, replies, unreadable, accounts = sift(found.ids)
    if unreadable:
        click.echo(f"{unreadable} letters were never readable as messages and cannot be replayed", err=True)
        code = 1
    if queued := stores().letters.queued(ids):
        click.echo(f"{len(queued)} {QUEUED}", err=True)
        ids, code = [id_ for id_ in ids if id_ not in queued], 1
    watch = Watch(ids, accounts)
    put_back, sent = send(replies), send(ids)
    if put_back:
        click.echo(f"{put_back} unreadable replies are read again with their accounts' next polls")
    if not sent or seconds is None:
        if sent or not (put_back or queued):
            click.echo(f"{sent} letters sent" if sent else "nothing is replayed")
        return code
    with shown_progress() as show:
        progress = follow(watch, sent, seconds, show)
    tell(progress)
    if progress.under_way:
        tell_unserved(ids)
    return code if progress.handled == sent else 1


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


def follow(watch: Watch, sent: int, seconds: float, show: Callable[[Outcomes], None]) -> Outcomes:
    """Show how it stands until every letter's replay has ended, or none has for so many seconds."""
    patience, left = time.monotonic() + seconds, sent
    while True:
        progress = watch.look(sent)
        show(progress)
        if progress.under_way < left:
            patience, left = time.monotonic() + seconds, progress.under_way
        if not left or time.monotonic() >= patience:
            return progress
        time.sleep(LOOK_SECONDS)


def tell(progress: Outcomes) -> None:
    """Say what became of the letters, and what to do about those that are still there."""
    click.echo(f"{progress.handled} of {progress.sent} letters handled and gone")
    if progress.back:
        click.echo(f"{progress.back} came back, with a new reason: celery -A tasks letters list")
    for name, number in progress.stayed.items():
        click.echo(f"{number} stay as they were: {STAYED[name]}")
    if progress.under_way:
        click.echo(f"{progress.under_way} are under way or are being tried again; each leaves when it is handled.")


def tell_unserved(ids: Sequence[str]) -> None:
    """Say which of the queues that these letters wait in no worker takes from, and what to start."""
    workers = [each for each in stores().presences.read() if each.kind == "worker"]
    if not workers:
        click.echo(Said(Sentence.NO_WORKER).told())
        return
    queues = {redrive.queue(letter) for letter in stores().letters.many(ids)}
    for queue in unserved(sorted(queues), workers):
        click.echo(said_unserved(queue).told())
