"""Which accounts need a person's attention, the most urgent first, and why. Pure; spans are seconds."""

from dataclasses import dataclass
from enum import IntEnum

from tasks.commands.accounts.standing import Standing, said_pause
from tasks.commands.sentences import Said, Sentence, Span
from tasks.rules import retention
from tasks.rules.circuit_breaker import WITHOUT_END, Pause
from tasks.store.troubles import What

BEAT_LATE = 10.0
"""A beat sends what is due within fractions of a second; one that catches up gets a moment."""


class Need(IntEnum):
    """What is wrong with an account, the most urgent first."""

    PAUSED = 0
    FAILING = 1
    OLD = 2
    BACKLOG = 3
    FULL = 4
    UNCONFIRMED = 5
    OVERDUE = 6
    GATEWAY = 7
    NOTHING = 8

    @property
    def word(self) -> str:
        """The name that machines get."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Attention:
    """What an account needs, how much more than others that need the same, and what is said of it."""

    need: Need
    weight: float = 0.0
    said: Said | None = None

    @property
    def note(self) -> str:
        """What is told of it in English."""
        return self.said.told() if self.said else ""


WRONG: tuple[tuple[tuple[What, ...], Need, Sentence], ...] = (
    (("failed",), Need.FAILING, Sentence.HAS_FAILED),
    (("late_confirms", "unconfirmed"), Need.UNCONFIRMED, Sentence.NOT_IN_TIME),
)
"""Of what went wrong lately, what needs a person, and what is said of it."""

Found = tuple[Standing, Attention]
"""An account, and what it needs."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What is taken for normal: so many open batches an account, and so long until a claimed account has been pulled."""

    open_batches: int
    claim_seconds: float


def attention(each: Standing, limits: Thresholds, now: float) -> Attention:
    """What this account needs at `now` (seconds since the epoch)."""
    most = each.account.quantity
    wrong = _wrong(each, now)
    if each.pause and not (each.pause.by_hand and wrong):
        return _paused(each, each.pause, now)
    if wrong and wrong.need is Need.FAILING:
        return wrong
    if each.oldest_age is not None and each.oldest_age >= retention.WARN_AT:
        return Attention(Need.OLD, each.oldest_age, Said(Sentence.WAITED, {"age": Span(each.oldest_age)}))
    if each.waiting is not None and each.waiting >= most:
        return Attention(Need.BACKLOG, each.waiting, Said(Sentence.BACKLOG, {"waiting": each.waiting, "most": most}))
    if each.open >= limits.open_batches:
        return Attention(Need.FULL, each.open, Said(Sentence.ALL_OPEN, {"open": each.open}))
    return wrong or _overdue(each, limits, now)


def urgency(found: Found) -> tuple[Need, float, str]:
    """What sorts accounts, the most urgent first."""
    each, attention = found
    return attention.need, -attention.weight, each.name


def needs_somebody(pause: Pause) -> bool:
    """Whether a gateway's pause is for a person to end: not one that a person put for some time, as it ends by itself."""
    return not pause.by_hand or pause.until >= WITHOUT_END


def _wrong(each: Standing, now: float) -> Attention | None:
    """What went wrong lately, failing handlers before confirms."""
    for kinds, need, sentence in WRONG:
        if found := [trouble for trouble in each.troubles if trouble.what in kinds]:
            number, last = sum(trouble.count for trouble in found), found[0]
            said = Said(sentence, {"count": number, "ago": Span(now - last.at)})
            why = ": ".join(filter(None, (last.topic, last.text)))
            return Attention(need, number, _because(said, why) if last.text else said)
    return None


def _paused(each: Standing, pause: Pause, now: float) -> Attention:
    """A pause that a platform or a bad release put needs somebody; a person's own does not."""
    silent = now - (each.pulled or 0.0)
    state = said_pause(pause, now, each.paused)
    if each.pulled and silent >= retention.WARN_AT:
        state = Said(Sentence.SILENT, {"what": state, "silent": Span(silent)})
    if pause.by_hand:
        return Attention(Need.NOTHING, 0.0, _because(state, each.why))
    if each.paused == "gateway":
        return Attention(Need.GATEWAY, silent, state)
    return Attention(Need.PAUSED, silent, _because(state, each.why))


def _because(what: Said, why: str) -> Said:
    return Said(Sentence.BECAUSE, {"what": what, "why": why})


def _overdue(each: Standing, limits: Thresholds, now: float) -> Attention:
    """Whether it should have been sent or pulled long ago."""
    if each.next_in is None:
        return Attention(Need.OVERDUE, 0.0, Said(Sentence.NOT_SEEN))
    if each.next_in < -BEAT_LATE:
        return Attention(Need.OVERDUE, -each.next_in, Said(Sentence.NOT_SENT, {"late": Span(-each.next_in)}))
    if each.seen is None:
        return Attention(Need.NOTHING)
    if each.pulled is None:
        return Attention(Need.OVERDUE, 0.0, _failing(Said(Sentence.NO_REPLY_YET), each.seen.failed))
    silent = now - each.pulled
    longest = max(each.seen.interval, each.account.poll.max)
    if silent > longest + 2 * limits.claim_seconds and each.next_in <= longest + limits.claim_seconds:
        told = Sentence.FAILS_SINCE if each.seen.failed else Sentence.NO_REPLY
        return Attention(Need.OVERDUE, silent, _failing(Said(told, {"silent": Span(silent)}), each.seen.failed))
    return Attention(Need.NOTHING)


def _failing(said: Said, why: str) -> Said:
    return _because(said, why) if why else said
