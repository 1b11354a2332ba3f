"""The demo itself, act by act."""

import time
from collections.abc import Callable, Sequence

from redis.exceptions import RedisError
from requests.exceptions import RequestException

from tasks.commands.demo.cast import CAST, EXPIRED, FLAKY, Actor
from tasks.commands.demo.screen import Screen
from tasks.commands.demo.script import messages, shares
from tasks.commands.demo.stage import LEASE, Stage
from tasks.commands.demo.verdict import Sums, judge
from tasks.commands.demo.watch import Now, look
from tasks.commands.group import Unusable
from tasks.commands.processes import children

LIMIT_SECONDS = 100.0
"""For everything; a demo that is not over by then has failed, unless it is a slow machine's: messages moved lately."""

STILL_SECONDS = 30.0
"""Longer than anything here has to wait."""

LOOK_SECONDS = 0.25
KILL_AT = 0.3
RESTART_AT = 0.5
HEAL_AT = 0.7
"""The parts of what can be handled at which handle worker and beat are killed, the pull worker restarted, and the expired session
renewed."""

LAST_LINES = 15


class TimeUp(Exception):
    """The demo took too long; the text says what it was waiting for."""


class Show:
    """One performance."""

    def __init__(self, stage: Stage, screen: Screen) -> None:
        self._stage = stage
        self._control = stage.control
        self._screen = screen
        self._ends = time.monotonic() + LIMIT_SECONDS
        self._moved = 0
        self._flower = children.has_flower()

    def play(self, number: int) -> None:
        """All acts, until every message is done with. Raises `TimeUp`, `Unusable`, or `Interrupted`."""
        self._stage.set_up()
        self._publish(number)
        self._spoil()
        self._start()
        self._kill_handle_worker()
        self._restart_pull_worker()
        self._renew_session()
        self._until(lambda now: all(one.over for one in now), "every message to be confirmed or buried")

    def verdict(self) -> dict[Actor, Sums]:
        """What became of every message, by account."""
        stage = self._stage
        return judge(stage.ledger(), stage.journal.handled(), list(stage.stores.letters.all()))

    def _publish(self, number: int) -> None:
        for actor, share in zip(CAST, shares(number, len(CAST)), strict=True):
            self._control.publish(actor.platform, list(messages(actor, share)), **actor.where)
        self._screen.tell(
            f"{number} messages wait on three simulated platforms at {self._control.url}, for {len(CAST)} accounts; "
            "some are no JSON or do not fit, some of their handlers fail at first"
        )

    def _spoil(self) -> None:
        self._control.fault(FLAKY, "http", share=0.1, status=503)
        self._control.fault(FLAKY, "cut", share=0.05)
        self._control.fault(FLAKY, "cut_after", api="confirm", share=0.2)
        self._control.fault("taobao", "duplicate", share=0.2)
        self._expired = self._control.fault("taobao", "expired_session", api="consume", **EXPIRED.where)
        flaky = f"{FLAKY} is flaky: 503s, cut connections, lost confirms"
        self._screen.tell(f"{flaky}; the session of {EXPIRED.name} has expired")

    def _start(self) -> None:
        self._stage.start_pull_worker("pull-1", events=self._flower)
        self._stage.start_handle_worker("handle-1", events=self._flower)
        self._stage.start_beat()
        flower = f"Flower on {self._stage.start_flower()}" if self._flower else f"no Flower: {children.FLOWER_MISSING}"
        self._screen.tell(
            f"pull-1, which calls the platforms, handle-1, which runs the handlers, and beat are started; {flower}"
        )

    def _kill_handle_worker(self) -> None:
        """As a handler may that eats the machine's memory, and beat with it. Pull workers are others: they lose no reply."""
        self._until(lambda now: handled_share(now) >= KILL_AT, "the first messages to be handled")
        self._stage.processes.kill("handle-1", "beat")
        killed = "handle-1 was killed (SIGKILL, with its pool), as by a handler that eats all memory, and beat with it"
        self._screen.tell(f"{killed}; what handle-1 held comes again within {LEASE:.0f} s, pull-1 has lost nothing")
        self._stage.start_handle_worker("handle-2", events=self._flower)
        self._stage.start_beat()
        self._screen.tell("handle-2 and another beat are started")

    def _restart_pull_worker(self) -> None:
        """As for a new version. It is asked, not killed: what vv-tool has answered it never says again."""
        self._until(lambda now: handled_share(now) >= RESTART_AT, "handle-2 to go on")
        asked = time.monotonic()
        code = self._stage.processes.stop("pull-1")["pull-1"]
        ended = f"ended with exit code {code} after {time.monotonic() - asked:.1f} s"
        self._screen.tell(f"pull-1 was asked to stop (SIGTERM) and {ended}: vv-tool never sends a reply again")
        self._stage.start_pull_worker("pull-2", events=self._flower)
        self._screen.tell("pull-2 is started")

    def _renew_session(self) -> None:
        name = EXPIRED.name
        paused = self._until(lambda now: of(now, EXPIRED).pause is not None, f"{name} to be paused")
        if pause := of(paused, EXPIRED).pause:
            self._screen.tell(f"{name} is paused, the others go on: {pause.reason}; to do: {pause.remedy}")
        self._until(lambda now: handled_share(now) >= HEAL_AT, "pull-2 to go on")
        self._control.clear_faults(self._expired)
        self._stage.write_accounts(self._stage.accounts_text(renewed=True))
        self._screen.tell(f"the session of {name} is renewed in accounts.toml; nothing is restarted")
        self._until(lambda now: of(now, EXPIRED).delivered > 0, f"{name} to be polled again")
        self._screen.tell(f"{name} is polled again")
        self._until(lambda now: of(now, EXPIRED).pulled, f"{name} to be polled on")

    def _until(self, condition: Callable[[Sequence[Now]], bool], what: str) -> Sequence[Now]:
        """Show how all goes on until the condition holds; how it was then."""
        while True:
            self._look_after_children()
            try:
                now = look(self._stage)
            except (RedisError, RequestException) as error:
                self._look_after_children()
                raise Unusable(f"Valkey or the sandbox does not answer: {error}") from None
            self._screen.show(now)
            if condition(now):
                return now
            self._put_off(now)
            if time.monotonic() > self._ends:
                raise TimeUp(f"waited in vain for {what}")
            self._stage.stopping.pause(LOOK_SECONDS)

    def _put_off(self, now: Sequence[Now]) -> None:
        """Be patient with a slow machine, as long as messages move."""
        moved = sum(one.delivered + one.handled + one.buried + (one.confirmed or 0) for one in now)
        if moved > self._moved:
            self._moved, self._ends = moved, max(self._ends, time.monotonic() + STILL_SECONDS)

    def _look_after_children(self) -> None:
        for ended in self._stage.processes.ended():
            lines = self._stage.log(ended.name).read_text(encoding="utf-8", errors="replace").splitlines()
            raise Unusable("\n".join([f"{ended}; it said last:", *lines[-LAST_LINES:]]))


def handled_share(now: Sequence[Now]) -> float:
    """How much is handled of what can be while one session has expired, 0 to 1."""
    able = [one for one in now if one.actor is not EXPIRED]
    published = sum(one.published for one in able)
    return sum(one.handled + one.buried for one in able) / published if published else 1.0


def of(now: Sequence[Now], actor: Actor) -> Now:
    """One account among all."""
    return next(one for one in now if one.actor is actor)
