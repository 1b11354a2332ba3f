"""What is to be said of the installation as a whole, and what of it is for a person to do. Pure.

One function a subject, each given the whole picture; `LOOKS` has them in the order in which they are told. What is read for
them stands in `Picture`, with a default that says nothing.
"""

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tasks.commands.accounts.standing import told_pause, why
from tasks.commands.ages import told
from tasks.commands.handlers.telling import HAS_ONE, ONE_CODE, WRITE_ONE, told_unhandled
from tasks.commands.status import failing
from tasks.commands.status.attention import Need, needs_somebody
from tasks.commands.status.picture import Picture
from tasks.commands.tables import many
from tasks.names import WITHOUT_HANDLERS
from tasks.text import shown

PULL_WORKER = "`celery -A tasks worker -P threads -c 100 -Q consume,confirm`"

LONGEST = 500
"""Characters of a line that holds what others wrote."""


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


def queues(picture: Picture) -> Iterable[Finding]:
    """Whether any queue has no worker."""
    for queue in picture.unserved:
        worker = PULL_WORKER if queue in WITHOUT_HANDLERS else f"`celery -A tasks worker -Q {shown(queue)}`"
        yield Finding("queues", f"no worker takes what waits in the queue {shown(queue)}: start one with {worker}")


def beats(picture: Picture) -> Iterable[Finding]:
    """Whether there are any."""
    if picture.beats == 0:
        yield Finding("beats", "no beat runs, so nobody is polled: start one with `celery -A tasks beat`")


def gateways(picture: Picture) -> Iterable[Finding]:
    """Whether a person has paused any: for how long, who knows; one without an end is for a person to end."""
    for each in picture.gateways:
        if each.pause and each.pause.by_hand:
            name, whose = shown(each.gateway.name), f"its {many(each.accounts, 'account')}"
            todo = f"; celery -A tasks accounts resume --gateway {shown(shlex.quote(each.gateway.name))}"
            text = f"gateway {name} is {told_pause(each.pause, picture.now)}, and with it {whose}: {why(each.pause)}"
            yield Finding("gateways", f"{shown(text, LONGEST)}{todo}", needs_somebody(each.pause))


def paused(picture: Picture) -> Iterable[Finding]:
    """How many accounts a person has paused."""
    if by_hand := picture.crowd.by_hand:
        text = f"{many(len(by_hand), 'account')} paused by hand: celery -A tasks accounts list --paused"
        yield Finding("paused", text, todo=False)


def handlers(picture: Picture) -> Iterable[Finding]:
    """Which handlers fail, and which ask for another try now and then, as they may."""
    yield from (Finding("failing", text) for text in failing.failed(picture.troubles, picture.now))
    yield from (Finding("asked", text, todo=False) for text in failing.asked(picture.troubles, picture.now))


def confirms(picture: Picture) -> Iterable[Finding]:
    """Whether confirms come late, or never."""
    yield from (Finding("late_confirms", text) for text in failing.late(picture.troubles, picture.now))
    yield from (Finding("unconfirmed", text) for text in failing.unconfirmed(picture.troubles, picture.now))


def overdue(picture: Picture) -> Iterable[Finding]:
    """Whether anybody is polled at all."""
    if picture.needs.get(Need.OVERDUE, 0) == picture.crowd.number > 0:
        silent = picture.pulled and picture.now - picture.pulled
        latest = "nothing was pulled yet" if silent is None else f"the latest pull was {told(silent)} ago"
        run = picture.workers and picture.beats
        failing = "their calls fail or wait: the worker's log says why"
        todo = failing if run else "see that beat and workers run, `celery -A tasks beat`"
        yield Finding("overdue", f"every account is overdue, {latest}: {todo}")


def unhandled(picture: Picture) -> Iterable[Finding]:
    """Whether messages came today that nobody handled; of topics that have a handler meanwhile, there is no more to do."""
    if still := picture.unhandled.still:
        yield Finding("unhandled", f"{told_unhandled(still)}; `celery -A tasks handlers` shows all: {WRITE_ONE}")
    if mended := picture.unhandled.mended:
        yield Finding("mended", f"{told_unhandled(mended)}; {HAS_ONE}", todo=False)


def strangers(picture: Picture) -> Iterable[Finding]:
    """Whether all workers have the same handlers."""
    for said in picture.strangers:
        yield Finding("handlers", f"{said}; {ONE_CODE}")


def clocks(picture: Picture) -> Iterable[Finding]:
    """Whether any clock is off."""
    for said, remedy in picture.clocks:
        yield Finding("clock", f"{said}: {remedy}")


def discarded(picture: Picture) -> Iterable[Finding]:
    """How many polls came too late to be made. Others were sent for them, so this alone asks for nothing."""
    if number := sum(summary.today["discarded"] for summary in picture.gateways):
        text = f"{many(number, 'poll')} discarded today, after too long a wait in the queue"
        todo = f"; if that goes on, add a pull worker: {PULL_WORKER}"
        yield Finding("discarded", f"{text}: no worker took them in time, others were sent for them{todo}", todo=False)


def letters(picture: Picture) -> Iterable[Finding]:
    """Whether dead letters wait for a person, and how many are replayed before."""
    if (look_at := picture.letters - picture.redrives) > 0:
        yield Finding("letters", f"{many(look_at, 'dead letter')} to look at: celery -A tasks letters list")
    if picture.redrives and picture.redrive_at is not None:
        first = f"the first in {told(picture.redrive_at - picture.now)}"
        yield Finding(
            "redrive", f"{many(picture.redrives, 'dead letter')} to be replayed without you, {first}", todo=False
        )


LOOKS: tuple[Callable[[Picture], Iterable[Finding]], ...] = (
    broker,
    workers,
    queues,
    beats,
    overdue,
    handlers,
    unhandled,
    strangers,
    clocks,
    confirms,
    gateways,
    letters,
    paused,
    discarded,
)
"""Every look, the most urgent subject first."""
