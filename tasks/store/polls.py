"""What a poll has to know before its call, in one round trip, and what it has learnt, in another: of every kind of key together.

Polls that run in threads of one process and ask or tell at the same moment share the round trip (`together`), and most of its
commands. Counts and confirms tell by the same way.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from time import monotonic
from typing import Any

from tasks import clock
from tasks.clock import day
from tasks.rules import measures
from tasks.rules.allowance import Api, Limits
from tasks.rules.backpressure import Load
from tasks.rules.circuit_breaker import Pause
from tasks.rules.measures import Answered
from tasks.store import quota, tally
from tasks.store.batches import load_of
from tasks.store.connection import Client
from tasks.store.keys import key
from tasks.store.measures import MEASURES, answered_words, calls_key
from tasks.store.quota import DUE, PutOff, Settled, Turn, called_in, day_key, keys_of, taken, taking
from tasks.store.scripts import script
from tasks.store.seen import SEEN, Seen, packed
from tasks.store.together import Together
from tasks.store.wire import stored

HELD_SECONDS = 600
"""A hold is forgotten after this, whatever became of its account."""


@dataclass(frozen=True, slots=True)
class Question:
    """An account that is to be polled at the time `now`, and the lease of its gateway in seconds; with `limits`, those of its
    gateway, its call is taken if nothing may stand in its way."""

    account: str
    gateway: str
    lease: float
    now: float
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an account: its last pause and its gateway's, over or not; what it has open; what its latest pulls told;
    how many replies wait in its inbox, and how many of them are past their lease; and its call, None where none was taken."""

    pauses: tuple[Pause | None, Pause | None]
    load: Load
    seen: Seen | None
    waiting: int
    over: int
    taken: Turn | PutOff | None


@dataclass(frozen=True, slots=True)
class End:
    """How a call ended: within a gateway's limits, or without any, where it only counts for the day.

    `took` is how many seconds one took that was answered; `failed` tells that it was not, or was refused.
    """

    api: Api
    gateway: str
    settled: Settled | None = None
    points: int = 0
    took: float | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a poll, count or confirm of an account has learnt at the time `now`; nothing of what is None or empty.

    `due` is in how many seconds the account is polled next, `counts` is for its day's tally, `empty` a batch of vv-tool's whose
    reply held no message. `held` tells that the account is held back from now on, and so is polled when one of its batches is
    closed; or, False, that it is no more.
    """

    account: str
    now: float
    end: End | None = None
    due: float | None = None
    seen: Seen | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    empty: str = ""
    held: bool | None = None


class Polls:
    """Questions before polls, and answers after."""

    def __init__(self, redis: Client) -> None:
        self._ask = script(redis, "polls_ask")
        self._tell = script(redis, "polls_tell")
        self._asked = Together(self.ask_many)
        self._told = Together(self.tell_many)

    def ask(self, question: Question) -> Known:
        """What is known of an account."""
        return self._asked.ask(question)

    def tell(self, learnt: Learnt) -> list[tuple[Api, str]]:
        """Note what was learnt; the API and account of those who are to call now, as this call has ended."""
        return self._told.ask(learnt)

    def ask_many(self, questions: Sequence[Question]) -> list[Known]:
        """What is known of each of these accounts, in one round trip."""
        keys, ids = [SEEN], []
        args: list[Any] = [repr(min(each.now for each in questions))]
        for each in questions:
            about = taking(each.limits, "pull") if each.limits else {}
            keys += _of(each.account, each.gateway)
            keys += keys_of(each.gateway) if about else ()
            args += each.account, each.lease, json.dumps(about) if about else ""
            ids.append(about.get("id", ""))
        asked = monotonic()
        return [_known(answer, id_, asked) for answer, id_ in zip(self._ask(keys=keys, args=args), ids, strict=True)]

    def tell_many(self, learnt: Sequence[Learnt]) -> list[list[tuple[Api, str]]]:
        """Note what was learnt of several accounts, in one round trip; who is to call now, for each."""
        settled = [each.end.settled for each in learnt if each.end and each.end.settled]
        due = [(each.due, each.account) for each in learnt if each.due is not None]
        seen = [(each.account, packed(each.seen)) for each in learnt if each.seen]
        counts = [*_counts(learnt)]
        empty = [each for each in learnt if each.empty]
        keys: list[str] = [*DUE[:1], SEEN]
        args: list[Any] = ["" if clock.stale() else repr(clock.now()), len(settled)]
        for ended in settled:
            keys += keys_of(ended.gateway)
            args.append(json.dumps(ended.to_json()))
        args += len(due), *chain.from_iterable(due), len(seen), *chain.from_iterable(seen), len(counts)
        for where, keep, numbers in counts:
            keys.append(where)
            args += keep, len(numbers), *chain.from_iterable(numbers.items())
        args.append(len(empty))
        for each in empty:
            keys += key("inbox", each.account), key("inbox", "raw", each.empty)
            args.append(each.empty)
        answered = _answered(learnt)
        args.append(len(answered))
        for gateway, calls in answered.items():
            keys.append(calls_key(gateway))
            words = answered_words(calls)
            args += len(words), *words
        for held in (True, False):
            turned = [key("held", each.account) for each in learnt if each.held is held]
            keys += turned
            args.append(len(turned))
        args.append(HELD_SECONDS)
        answers = iter(self._tell(keys=keys, args=args))
        return [called_in(next(answers)) if each.end and each.end.settled else [] for each in learnt]


def _of(account: str, gateway: str) -> tuple[str, ...]:
    pauses = key("pause", "account", account), key("pause", "gateway", gateway)
    return *pauses, key("held", account), key("open", account), key("sizes", account), key("inbox", account)


def _known(answer: Sequence[Any], id_: str, asked: float) -> Known:
    on_account, on_gateway, seen, load, waiting, over, told = answer
    return Known(
        pauses=(stored(Pause, on_account), stored(Pause, on_gateway)),
        load=load_of(load),
        seen=stored(Seen, seen),
        waiting=waiting,
        over=over,
        taken=taken(told, id_, asked) if told else None,
    )


def _counts(learnt: Sequence[Learnt]) -> Iterator[tuple[str, int, Mapping[str, int]]]:
    """Hashes to count in, for how many seconds they are kept (0: for good), and what to add: the day's calls of gateways without
    limits, calls that failed, and tallies of accounts."""
    used: dict[str, dict[str, int]] = {}
    for each in learnt:
        if each.end and not each.end.settled:
            numbers = used.setdefault(day_key(each.end.gateway, each.now), {})
            for name, number in ((each.end.api, 1), ("points", each.end.points)):
                if number:
                    numbers[name] = numbers.get(name, 0) + number
    yield from ((where, quota.KEEP_SECONDS, numbers) for where, numbers in used.items())
    if failed := Counter(measures.named("failed", end.gateway, rest=end.api) for end in _ends(learnt) if end.failed):
        yield MEASURES, 0, failed
    for each in learnt:
        if some := {name: number for name, number in each.counts.items() if number}:
            yield key("tally", day(each.now), each.account), tally.KEEP_SECONDS, some


def _answered(learnt: Sequence[Learnt]) -> dict[str, Answered]:
    """Of each gateway, its calls that were answered."""
    found: dict[str, Answered] = {}
    for each in learnt:
        if each.end and each.end.took is not None and each.end.api in measures.CALLS:
            found.setdefault(each.end.gateway, Answered()).add(each.end.api, each.end.took, each.now)
    return found


def _ends(learnt: Sequence[Learnt]) -> Iterator[End]:
    return (each.end for each in learnt if each.end)
