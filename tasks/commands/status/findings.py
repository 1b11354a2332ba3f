"""What is to be said of the installation as a whole, and what of it is for a person to do. Pure.

One function a subject, each given the whole picture; `LOOKS` has them in the order in which they are told. What is read for
them stands in `Picture`, with a default that says nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tasks.commands.ages import told
from tasks.commands.handlers.telling import ONE_CODE, WRITE_ONE, told_unhandled
from tasks.commands.status.attention import Need
from tasks.commands.status.picture import Picture


@dataclass(frozen=True, slots=True)
class Finding:
    """One line about the installation: `about` is its subject in a word, for machines, and `text` what people read.

    With `todo`, a person has something to do, and the text says what: the line is marked, and `status` ends with exit code 1.
    """

    about: str
    text: str
    todo: bool = True


def findings(picture: Picture) -> list[Finding]:
    """All that is to be said, in the order of `LOOKS`; of an installation without accounts, only that."""
    if not picture.known:
        todo = "write your shops into the accounts file; `celery -A tasks check` tells which"
        return [Finding("accounts", f"there are no accounts: {todo}")]
    return [finding for look in LOOKS for finding in look(picture)]


def something_to_do(picture: Picture) -> bool:
    """Whether anything is marked: an account, a gateway, or the installation."""
    return bool(picture.needs) or any(finding.todo for finding in findings(picture))


def broker(picture: Picture) -> Iterable[Finding]:
    """Whether it says what waits."""
    if picture.queues and set(picture.queues.values()) == {None}:
        yield Finding("broker", "the broker does not say what waits: `celery -A tasks check` tells more")


def workers(picture: Picture) -> Iterable[Finding]:
    """Whether there are any."""
    if picture.workers == 0:
        yield Finding("workers", "no worker answers: start one with `celery -A tasks worker`")


def overdue(picture: Picture) -> Iterable[Finding]:
    """Whether anybody is polled at all."""
    if picture.needs.get(Need.OVERDUE, 0) == len(picture.accounts) > 0:
        silent = picture.pulled and picture.now - picture.pulled
        latest = "nothing was pulled yet" if silent is None else f"the latest pull was {told(silent)} ago"
        todo = "see that beat and workers run, `celery -A tasks beat`"
        yield Finding("overdue", f"every account is overdue, {latest}: {todo}")


def unhandled(picture: Picture) -> Iterable[Finding]:
    """Whether messages came today that nobody handled."""
    if picture.unhandled:
        yield Finding(
            "unhandled", f"{told_unhandled(picture.unhandled)}; `celery -A tasks handlers` shows all: {WRITE_ONE}"
        )


def strangers(picture: Picture) -> Iterable[Finding]:
    """Whether all workers have the same handlers."""
    for said in picture.strangers:
        yield Finding("handlers", f"{said}; {ONE_CODE}")


def letters(picture: Picture) -> Iterable[Finding]:
    """Whether dead letters wait for a person."""
    if picture.letters:
        many = f"{picture.letters} dead letter{'s' if picture.letters > 1 else ''}"
        yield Finding("letters", f"{many} to look at: celery -A tasks letters list")


LOOKS: tuple[Callable[[Picture], Iterable[Finding]], ...] = (broker, workers, overdue, unhandled, strangers, letters)
"""Every look, the most urgent subject first."""
