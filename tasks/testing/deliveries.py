"""Delivers messages to the handlers of this process in a test, as a worker would.

Neither Redis nor a platform is there, and waits between tries pass on a clock of their own.
"""

import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime
from inspect import unwrap
from itertools import count
from math import inf
from typing import Any

from handlers import Handler, Message, Registry, Reject, Unfit
from handlers.declaring.options import plain
from handlers.loading import load
from handlers.loading.aside import aside
from tasks import app, clock
from tasks.commands.topics import QIANMI, did_you_mean, full_topic
from tasks.handling import failing, raised, turns, unhandled
from tasks.handling.place import reason as reason_of
from tasks.handling.timer import limited
from tasks.plumbing.beside import TheirsCurrent
from tasks.plumbing.ending import asked_to_end
from tasks.rules.lease import HANDLE_SHARE, retry_delay, try_seconds
from tasks.rules.outcomes import Outcome
from tasks.settings import settings
from tasks.testing import given
from tasks.testing.alarms import alarm_kept
from tasks.testing.contents import Content, sampled, text

LEASES = {"qianmi": 600.0, "taobao": 300.0, "vvtool": 600.0}
"""Seconds that platforms keep a message from others, where an accounts file does not say otherwise."""

LEAST_TRY = 0.05
"""A try takes so many seconds at least, on its way through a broker: one without a wait is not repeated forever."""

MIDDLE = 0.5
"""Waits are as long as they are on average: a test sees the same ones each time."""

NO_HANDLERS = (
    "no handler is registered: import the module that has them in your test, name it with tidings.load('shop'), or set "
    "TIDINGS_HANDLERS=shop"
)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one delivery of a message.

    `outcome` is a worker's word: handled, duplicate, ignored, failed (it comes again when its lease ends) or dead. `reason` is
    what its dead letter or the log would say, "" where nothing went wrong. `errors` are what its tries raised, the last of them
    last, and `waits` the seconds between tries, of which none was slept. `seconds` is how long all that takes, and `key` what
    the handler's option makes of the message, "" for none.
    """

    outcome: Outcome
    message: Message
    reason: str = ""
    errors: tuple[BaseException, ...] = ()
    tries: int = 0
    waits: tuple[float, ...] = ()
    seconds: float = 0.0
    key: str = ""

    @property
    def error(self) -> BaseException | None:
        """What the last try raised; None when its handler returned, and when none was called."""
        return self.errors[-1] if self.outcome not in ("handled", "duplicate") and self.errors else None


class Tidings:
    """Delivers messages to the handlers of a registry. What was handled once is known until `forget`."""

    def __init__(self, registry: Registry, *, through: tuple[type[BaseException], ...] = ()) -> None:
        """Exceptions `through` are the test's own: they end it, and are no failure of a handler."""
        self._registry = registry
        self._through = through
        self._done: set[tuple[str, str]] = set()
        self._ids = count(1)
        self._until_its_end = ExitStack()
        self.replace()

    def load(self, *modules: str) -> None:
        """Import these modules for their handlers, as TIDINGS_HANDLERS does. Raises `HandlersError` when that cannot be."""
        for each in modules:
            given.look(module=each)
        load(modules)

    def replace(self, **resources: Any) -> None:
        """Let these values stand for the resources of their names until the test ends; what needs them is made anew from them.

        Raises `BadResource` for a name that no resource has.
        """
        self._until_its_end.enter_context(self._registry.resources.replaced(**resources))

    def close(self) -> None:
        """Close every resource that was made for the test, the last one first."""
        self._until_its_end.close()

    def forget(self) -> None:
        """Forget what was handled, as a Redis that was flushed does: a message that comes again is handled again."""
        self._done.clear()

    def sample(self, topic: str, /, **members: Any) -> dict[str, Any]:
        """A valid content of the topic, with these members in place of its own. Raises `NoSample`."""
        given.look(topic=topic)
        return sampled(full_topic(topic), **members)

    def deliver(
        self,
        topic: str,
        content: Content | None = None,
        *,
        id: str | None = None,  # noqa: A002 - the message's own name for it
        account: str = "shop",
        platform: str | None = None,
        published: datetime | None = None,
        user_id: str = "",
        user_nick: str = "",
        deliveries: int = 1,
        extra: Mapping[str, Any] | None = None,
        lease: float | None = None,
    ) -> Delivered:
        """Deliver a message, a sample of the topic without a content, and try it for as long as its lease (seconds) allows.

        `deliveries` says that it comes for the so-manieth time. A short topic is spelled out; `platform` is the topic's own
        unless told; `published` without a zone is Shanghai's time. Raises `Misused` for what is none of its kind, `NoSample`, and
        `LookupError` while no handler is registered.
        """
        given.look(topic=topic, account=account, user_id=user_id, user_nick=user_nick, deliveries=deliveries)
        given.look_where_given(id=id, published=published, extra=extra, lease=lease)
        settings.cache_clear()  # the test may have set the environment
        topic = full_topic(plain(topic))
        platform = platform or ("qianmi" if topic.startswith(QIANMI) else "taobao")
        given.one_of("platform", platform, LEASES, "qianmi, taobao or vvtool")
        id_ = id or f"test-{next(self._ids)}"
        message = Message(
            id=id_,
            topic=topic,
            account=account,
            platform=platform,
            content=text(self.sample(topic) if content is None else content),
            published=given.zoned(published) if published else clock.published(clock.timestamp()),
            user_id=user_id,
            user_nick=user_nick,
            deliveries=deliveries,
            identity=f"test-{id_}",
            pulled=datetime.fromtimestamp(clock.now(), clock.SHANGHAI),
            extra=extra or {},
        )
        done = self._deliver(message, lease or LEASES[message.platform])
        if done.outcome in ("handled", "dead"):
            self._done.add((message.platform, message.id))
        return done

    def _deliver(self, message: Message, lease: float) -> Delivered:
        if not list(self._registry):
            told = aside({each.partition(".")[0] for each in list(sys.modules)})
            raise LookupError("; ".join((NO_HANDLERS, *told)))
        handler = self._registry.find(message.topic)
        if handler is None:
            return self._nobodys(message)
        if (message.platform, message.id) in self._done:
            return Delivered("duplicate", message)
        return Tries(handler, message, lease, self._through).run()

    def _nobodys(self, message: Message) -> Delivered:
        outcomes: dict[str, Outcome] = {"confirm": "ignored", "leave": "failed", "bury": "dead"}
        known = did_you_mean(message.topic, {each.topic for each in self._registry})
        return Delivered(outcomes[settings().unhandled], message, f"{unhandled.reason(message.topic)}{known}")


class Tries:
    """The tries of one message within its lease."""

    def __init__(
        self, handler: Handler, message: Message, lease: float, through: tuple[type[BaseException], ...]
    ) -> None:
        self.handler, self.message, self.through = handler, message, through
        self.limit = try_seconds(lease, settings().handler_seconds, handler.options.timeout)
        self.until = lease * HANDLE_SHARE
        self.now, self.key = 0.0, ""
        self.errors: list[BaseException] = []
        self.waits: list[float] = []

    def run(self) -> Delivered:
        """Try until it was handled or there is no time for another try."""
        while True:
            error = self._try()
            if error is None:
                return self._ended("handled", tries=len(self.errors) + 1)
            self.errors.append(error)
            if isinstance(error, Reject | Unfit):
                return self._ended("dead", reason_of(error) or "rejected by its handler")
            wait = retry_delay(len(self.errors), raised.delay(error), dice=MIDDLE)
            over = len(self.errors) >= (self.handler.options.tries or inf)
            if over or self.now + wait >= self.until:
                return self._given_up(error, over=over)
            self.waits.append(wait)
            self.now += wait

    def _try(self) -> BaseException | None:
        """One try, under its time limit; what it raised."""
        started = time.monotonic()
        seconds = min(self.limit, self.until - self.now)
        try:
            with alarm_kept(), TheirsCurrent(app), limited(seconds):
                message, context = replace(self.message, ends=started + seconds), copy_context()
                content, self.key = turns.looked(self.handler, message, context)
                self.handler.call(message, content, context)
        except BaseException as error:  # a handler may raise anything
            if isinstance(error, self.through) or asked_to_end(error):
                raise
            return shortened(error, self.handler)
        finally:
            self.now += max(LEAST_TRY, time.monotonic() - started)
        return None

    def _given_up(self, error: BaseException, *, over: bool) -> Delivered:
        """Left to come again, or buried: its tries are `over`, or this was the last delivery."""
        last, deliveries = failing.last(error, self.handler.function), self.message.deliveries
        if not over and deliveries < settings().max_deliveries:
            return self._ended("failed", last)
        often = f"{len(self.errors)} tries" if over else f"{deliveries} deliveries"
        return self._ended("dead", f"failed in {often}, at last with {last}")

    def _ended(self, outcome: Outcome, reason: str = "", *, tries: int | None = None) -> Delivered:
        errors, waits = tuple(self.errors), tuple(self.waits)
        return Delivered(outcome, self.message, reason, errors, tries or len(errors), waits, self.now, self.key)


def shortened(error: BaseException, handler: Handler) -> BaseException:
    """The error with its traceback from the handler on; whole where it did not come so far, or does not let it be changed."""
    found = error.__traceback__
    while found and found.tb_frame.f_code is not unwrap(handler.function).__code__:
        found = found.tb_next
    return raised.told(lambda each: each.with_traceback(found), error, error) if found else error
