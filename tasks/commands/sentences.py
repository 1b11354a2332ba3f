"""What is said of the installation and of accounts, as a sentence and the values in it.

Commands tell it in English, the operators' page in its reader's language: `tasks/commands/web/zh.po` has each sentence. Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Union

from tasks.commands.ages import told as told_span
from tasks.text import shown

PULL_WORKER = "`celery -A tasks worker -P threads -c 100 -Q consume,confirm`"


class Sentence(Enum):
    """Each in English, `%(name)s` in the place of a value; where `count` decides, for one and for others."""

    NO_ACCOUNTS = (
        "there are no accounts: write your shops into the accounts file; `celery -A tasks check` tells which file"
    )
    BROKER_SILENT = "the broker does not say what waits: `celery -A tasks check` tells more"
    NO_WORKER = "no worker answers: start one with `celery -A tasks worker`"
    QUEUE_UNSERVED = "no worker takes what waits in the queue %(queue)s: start one with %(command)s"
    NO_BEAT = "no beat runs, so nobody is polled: start one with `celery -A tasks beat`"
    IDLE = (
        "the %(kind)s %(name)s runs and does nothing: it has no connection to its broker or Redis, or no accounts that it can "
        "use; its log says which"
    )

    ALL_OVERDUE = "every account is overdue, %(latest)s: %(todo)s"
    NOTHING_PULLED = "nothing was pulled yet"
    LATEST_PULL = "the latest pull was %(ago)s ago"
    CALLS_FAIL = "their calls fail or wait: the worker's log says why"
    SEE_THAT_THEY_RUN = "see that beat and workers run, `celery -A tasks beat`"

    TRIES_FAILED = (
        "%(topic)s1 try failed %(when)s, for %(accounts)s: %(why)s",
        "%(topic)s%(count)s tries failed %(when)s, for %(accounts)s: %(why)s",
    )
    TRIES_FAILED_ELSEWHERE = (
        "%(tries)s tries failed for 1 more topic",
        "%(tries)s tries failed for %(count)s more topics",
    )
    TRIES_ASKED = (
        "%(topic)s1 time its handler asked for another try %(when)s, for %(accounts)s: %(why)s",
        "%(topic)s%(count)s times its handler asked for another %(when)s, for %(accounts)s: %(why)s",
    )
    TRIES_ASKED_ELSEWHERE = (
        "%(tries)s times its handler asked for another for 1 more topic",
        "%(tries)s times its handler asked for another for %(count)s more topics",
    )
    CONFIRMED_LATE = (
        "1 message was confirmed too late %(when)s, for %(accounts)s: it comes again, as handlers do not keep up with their "
        "lease; add a handle worker: `celery -A tasks worker -Q handle`",
        "%(count)s messages were confirmed too late %(when)s, for %(accounts)s: they come again, as handlers do not keep up "
        "with their lease; add a handle worker: `celery -A tasks worker -Q handle`",
    )
    NOT_CONFIRMED = (
        "1 message was not confirmed %(when)s, for %(accounts)s: it comes again; the last answer: %(why)s",
        "%(count)s messages were not confirmed %(when)s, for %(accounts)s: they come again; the last answer: %(why)s",
    )
    SEE_LOG = "see the log of the workers"
    AGO = "%(ago)s ago"
    SINCE = "in %(span)s, the last %(ago)s ago"
    OF_TOPIC = "%(topic)s: "
    AND_MORE = "%(names)s and %(more)s more"

    UNHANDLED = "%(unhandled)s; `celery -A tasks handlers` shows all: %(todo)s"
    MENDED = "%(unhandled)s; a handler is there now"
    TOPICS_UNHANDLED = "%(messages)s today that nobody handled: %(topics)s"
    MESSAGES = ("1 message", "%(count)s messages")
    TOPICS = ("topic %(topics)s", "topics %(topics)s")
    WRITE_ONE = "write handlers for them, or one that only returns where they may be forgotten"

    STRANGER = "%(stranger)s; %(todo)s"
    OTHER_HANDLERS = "worker %(worker)s has other handlers than the other workers (%(others)s)"
    OTHER_HANDLERS_KNOWN = "worker %(worker)s has other handlers than the other workers (%(others)s): %(difference)s"
    LACKS = "it lacks %(topics)s"
    HAS_ALONE = "it alone has %(topics)s"
    HAS_ANOTHER = "another function, model or options for %(topics)s"
    SAME_HANDLERS = "the handlers are the same, and not what runs around them, or their resources"
    ONE_CODE = "restart it with the same code and TIDINGS_HANDLERS as the others"

    CLOCK = "%(clock)s: %(todo)s"
    CLOCK_AHEAD = "%(whose)s clock is %(seconds)s s ahead of Redis's"
    CLOCK_BEHIND = "%(whose)s clock is %(seconds)s s behind Redis's"
    THIS_MACHINES = "this machine's"
    ITS_MACHINES = "%(process)s: its machine's"
    HOSTS = "%(host)s's"
    SET_MACHINE = "set it by NTP; Tidings goes by Redis's clock, but logs and handlers go by that machine's"
    SET_REDIS = "set the clock of Redis's machine by NTP; a call is refused when it is 600 s off"

    GATEWAY_BY_HAND = (
        "gateway %(gateway)s is %(pause)s, and with it its 1 account: %(why)s; %(command)s",
        "gateway %(gateway)s is %(pause)s, and with it its %(count)s accounts: %(why)s; %(command)s",
    )
    PAUSED = "paused"
    PAUSED_BY_HAND = "paused by hand"
    GATEWAY_PAUSED = "gateway paused"
    GATEWAY_PAUSED_BY_HAND = "gateway paused by hand"
    UNTIL = "%(pause)s until %(until)s (%(left)s)"

    ACCOUNTS_BY_HAND = (
        "1 account paused by hand: celery -A tasks accounts list --paused",
        "%(count)s accounts paused by hand: celery -A tasks accounts list --paused",
    )
    POLLS_DISCARDED = (
        "1 poll discarded today, after too long a wait in the queue: no worker took it in time, another was sent for it; if "
        f"that goes on, add a pull worker: {PULL_WORKER}",
        "%(count)s polls discarded today, after too long a wait in the queue: no worker took them in time, others were sent "
        f"for them; if that goes on, add a pull worker: {PULL_WORKER}",
    )
    LETTERS = (
        "1 dead letter to look at: celery -A tasks letters list",
        "%(count)s dead letters to look at: celery -A tasks letters list",
    )
    REDRIVES = (
        "1 dead letter to be replayed without you, the first in %(left)s",
        "%(count)s dead letters to be replayed without you, the first in %(left)s",
    )

    BECAUSE = "%(what)s: %(why)s"
    SILENT = "%(what)s; not pulled for %(silent)s"
    HAS_FAILED = ("1 try failed %(ago)s ago", "%(count)s tries failed, the last %(ago)s ago")
    NOT_IN_TIME = (
        "1 message not confirmed in time, %(ago)s ago",
        "%(count)s messages not confirmed in time, the last %(ago)s ago",
    )
    WAITED = "its oldest message waited %(age)s"
    BACKLOG = "%(waiting)s wait, a pull brings %(most)s"
    ALL_OPEN = "%(open)s batches open: its handlers do not keep up"
    NOT_SEEN = "no beat has seen it yet"
    NOT_SENT = "due %(late)s ago, and no beat has sent it"
    NO_REPLY_YET = "no reply yet: its calls fail"
    NO_REPLY = "no reply for %(silent)s: no worker, or its calls fail"
    FAILS_SINCE = "no reply for %(silent)s, as calls fail"

    @property
    def word(self) -> str:
        """The name that machines get."""
        return self.name.lower()

    @property
    def texts(self) -> tuple[str, ...]:
        """In English."""
        return self.value if isinstance(self.value, tuple) else (self.value,)


@dataclass(frozen=True, slots=True)
class Span:
    """So many seconds, which each language tells in its own units."""

    seconds: float


Value = Union[str, float, Span, "Said", Sequence["Said"]]
"""A text that is told as it is, a number, a span, or what is itself said, once or one after the other."""


@dataclass(frozen=True, slots=True)
class Language:
    """How a sentence of ours reads, how numbers and spans (seconds) are written, and what stands between clauses."""

    sentence: Callable[[str], str]
    number: Callable[[float], str]
    span: Callable[[float], str]
    between: str = "; "


ENGLISH = Language(str, lambda number: f"{number:.0f}", told_span)


@dataclass(frozen=True)
class Said:
    """A sentence with its values; texts from outside are made harmless and short before they get in here."""

    kind: Sentence
    values: Mapping[str, Value] = field(default_factory=dict)

    def told(self, language: Language = ENGLISH) -> str:
        """The sentence in a language."""
        texts = self.kind.texts
        text = texts[0] if self.values.get("count") == 1 else texts[-1]
        return language.sentence(text) % {name: _told(value, language) for name, value in self.values.items()}

    def plain(self) -> dict[str, Any]:
        """What machines get: the sentence's name and its values, spans in seconds."""
        return {"kind": self.kind.word, "values": {name: _plain(value) for name, value in self.values.items()}}


def _told(value: Value, language: Language) -> str:
    match value:
        case str():
            return value
        case Span():
            return language.span(value.seconds)
        case Said():
            return value.told(language)
        case int() | float():
            return language.number(value)
        case _:
            return language.between.join(each.told(language) for each in value)


def _plain(value: Value) -> Any:
    match value:
        case Span():
            return round(value.seconds, 3)
        case Said():
            return value.plain()
        case str() | int() | float():
            return value
        case _:
            return [each.plain() for each in value]


def some(names: Sequence[str], most: int) -> Value:
    """So many of these names, and how many more there are."""
    first = ", ".join(shown(name) for name in names[:most])
    return Said(Sentence.AND_MORE, {"names": first, "more": len(names) - most}) if len(names) > most else first
