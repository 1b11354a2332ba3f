"""What is to be said of the installation as a whole, and what of it is for a person to do. Pure.

One function a subject, each given the whole picture; `LOOKS` has them in the order in which they are told. What is read for
them stands in `Picture`, with a default that says nothing.
"""

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tasks.commands.accounts.standing import said_pause, why
from tasks.commands.handlers.telling import ONE_CODE, WRITE_ONE, said_stranger, said_unhandled
from tasks.commands.queues import said_unserved
from tasks.commands.sentences import Said, Sentence, Span
from tasks.commands.status import failing
from tasks.commands.status.attention import Need, needs_somebody
from tasks.commands.status.picture import Picture
from tasks.text import shown

LONGEST = 500
"""Characters of what others wrote."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line about the installation: `about` is its subject in a word, for machines, and `said` what people read.

    With `todo`, a person has something to do, and the text says what: the line is marked, and `status` ends with exit code 1.
    """

    about: str
    said: Said
    todo: bool = True

    @property
    def text(self) -> str:
        """What people read in English."""
        return self.said.told()


def findings(picture: Picture) -> list[Finding]:
    """All that is to be said, in the order of `LOOKS`; of an installation without accounts, only that."""
    if not picture.known:
        return [Finding("accounts", Said(Sentence.NO_ACCOUNTS))]
    return [finding for look in LOOKS for finding in look(picture)]


def something_to_do(picture: Picture) -> bool:
    """Whether anything is marked: an account, a gateway, or the installation."""
    return bool(picture.needs) or any(finding.todo for finding in findings(picture))


def broker(picture: Picture) -> Iterable[Finding]:
    """Whether it says what waits."""
    if picture.queues and set(picture.queues.values()) == {None}:
        yield Finding("broker", Said(Sentence.BROKER_SILENT))


def workers(picture: Picture) -> Iterable[Finding]:
    """Whether there are any."""
    if picture.workers == 0:
        yield Finding("workers", Said(Sentence.NO_WORKER))


def queues(picture: Picture) -> Iterable[Finding]:
    """Whether any queue has no worker."""
    for queue in picture.unserved:
        yield Finding("queues", said_unserved(queue))


def beats(picture: Picture) -> Iterable[Finding]:
    """Whether there are any."""
    if picture.beats == 0:
        yield Finding("beats", Said(Sentence.NO_BEAT))


def idle(picture: Picture) -> Iterable[Finding]:
    """Which workers and beats are there and cannot work."""
    for each in picture.idle:
        yield Finding("idle", Said(Sentence.IDLE, {"kind": each.kind, "name": shown(each.name)}))


def gateways(picture: Picture) -> Iterable[Finding]:
    """Whether a person has paused any: for how long, who knows; one without an end is for a person to end."""
    for each in picture.gateways:
        if each.pause and each.pause.by_hand:
            name = each.gateway.name
            said = Said(
                Sentence.GATEWAY_BY_HAND,
                {
                    "gateway": shown(name),
                    "pause": said_pause(each.pause, picture.now),
                    "count": each.accounts,
                    "why": shown(why(each.pause), LONGEST),
                    "command": f"celery -A tasks accounts resume --gateway {shown(shlex.quote(name))}",
                },
            )
            yield Finding("gateways", said, needs_somebody(each.pause))


def paused(picture: Picture) -> Iterable[Finding]:
    """How many accounts a person has paused."""
    if by_hand := picture.crowd.by_hand:
        yield Finding("paused", Said(Sentence.ACCOUNTS_BY_HAND, {"count": len(by_hand)}), todo=False)


def handlers(picture: Picture) -> Iterable[Finding]:
    """Which handlers fail, and which ask for another try now and then, as they may."""
    yield from (Finding("failing", said) for said in failing.failed(picture.troubles, picture.now))
    yield from (Finding("asked", said, todo=False) for said in failing.asked(picture.troubles, picture.now))


def confirms(picture: Picture) -> Iterable[Finding]:
    """Whether confirms come late, or never."""
    yield from (Finding("late_confirms", said) for said in failing.late(picture.troubles, picture.now))
    yield from (Finding("unconfirmed", said) for said in failing.unconfirmed(picture.troubles, picture.now))


def overdue(picture: Picture) -> Iterable[Finding]:
    """Whether anybody is polled at all."""
    if picture.needs.get(Need.OVERDUE, 0) == picture.crowd.number > 0:
        silent = picture.pulled and picture.now - picture.pulled
        nothing = Said(Sentence.NOTHING_PULLED)
        latest = nothing if silent is None else Said(Sentence.LATEST_PULL, {"ago": Span(silent)})
        run = picture.workers and picture.beats
        todo = Said(Sentence.CALLS_FAIL if run else Sentence.SEE_THAT_THEY_RUN)
        yield Finding("overdue", Said(Sentence.ALL_OVERDUE, {"latest": latest, "todo": todo}))


def unhandled(picture: Picture) -> Iterable[Finding]:
    """Whether messages came today that nobody handled; of topics that have a handler meanwhile, there is no more to do."""
    if still := picture.unhandled.still:
        values = {"unhandled": said_unhandled(still), "todo": WRITE_ONE}
        yield Finding("unhandled", Said(Sentence.UNHANDLED, values))
    if mended := picture.unhandled.mended:
        yield Finding("mended", Said(Sentence.MENDED, {"unhandled": said_unhandled(mended)}), todo=False)


def strangers(picture: Picture) -> Iterable[Finding]:
    """Whether all workers have the same handlers."""
    for each in picture.strangers:
        yield Finding("handlers", Said(Sentence.STRANGER, {"stranger": said_stranger(each), "todo": ONE_CODE}))


def clocks(picture: Picture) -> Iterable[Finding]:
    """Whether any clock is off."""
    for clock, todo in picture.clocks:
        yield Finding("clock", Said(Sentence.CLOCK, {"clock": clock, "todo": todo}))


def discarded(picture: Picture) -> Iterable[Finding]:
    """How many polls came too late to be made. Others were sent for them, so this alone asks for nothing."""
    if number := sum(summary.today["discarded"] for summary in picture.gateways):
        yield Finding("discarded", Said(Sentence.POLLS_DISCARDED, {"count": number}), todo=False)


def letters(picture: Picture) -> Iterable[Finding]:
    """Whether dead letters wait for a person, and how many are replayed before."""
    if (look_at := picture.letters - picture.redrives) > 0:
        yield Finding("letters", Said(Sentence.LETTERS, {"count": look_at}))
    if picture.redrives and picture.redrive_at is not None:
        left = Span(picture.redrive_at - picture.now)
        yield Finding("redrive", Said(Sentence.REDRIVES, {"count": picture.redrives, "left": left}), todo=False)


LOOKS: tuple[Callable[[Picture], Iterable[Finding]], ...] = (
    broker,
    workers,
    queues,
    beats,
    idle,
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
