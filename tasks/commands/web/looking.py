"""The picture that pages and metrics are made of: taken beside all requests, again and again while anybody asks.

Of a hundred thousand accounts it takes seconds, so no request takes one. An account's own page, and each list of accounts, reads
those accounts alone, as they are at that moment.
"""

import threading
import time
from functools import cache

from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from tasks import clock
from tasks.accounts.roster import Roster
from tasks.commands.letters.grouping import MOST_READ, Group, Groups
from tasks.commands.status.picture import Crowd, Picture
from tasks.commands.status.reading import picture
from tasks.commands.web import memory
from tasks.garbage import freeze
from tasks.runtime import stores
from tasks.settings import settings
from tasks.store.refusals import refusal

EVERY_SECONDS = 3.0
SHARE = 0.15
"""Of one core that pictures may take, at the most: many accounts are looked at less often."""

WANTED_SECONDS = 90.0
"""While nobody has asked for so long, none is taken."""

PATIENCE_SECONDS = 5.0
URGENT = 100
"""So many accounts are kept with all that is known of them."""


class Looking:
    """A thread that takes pictures, and the latest of them."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self.groups: list[Group] = []
        """The latest letters by reason and topic, the most first."""
        self.trouble = ""
        """Why no newer picture could be taken; "" when it could."""
        self._picture: Picture | None = None
        self._letters: tuple[int, object] | None = None
        self._asked = time.monotonic()
        self._next_look = 0.0
        self._wanted, self._taken, self._known = threading.Event(), threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def latest(self, patience: float = 0.0) -> Picture | None:
        """The latest picture; None while there is none yet, for which up to `patience` seconds are waited."""
        self.wish()
        if self._picture is None and patience:
            self._taken.wait(patience)
        return self._picture

    def known(self, patience: float) -> Roster:
        """The accounts; of a process that has just started, up to `patience` seconds are waited for them."""
        self.wish()
        self._known.wait(patience)
        return self.roster

    def wish(self) -> None:
        """Somebody asks: pictures are to be taken."""
        self._asked = time.monotonic()
        self._wanted.set()
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="looking", daemon=True)
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            if began - self._asked > WANTED_SECONDS:
                self._wanted.clear()
                self._wanted.wait()
            spent = time.thread_time()
            try:
                self.take()
            except Exception as error:  # whatever it is, the next one may be better, and the page says so
                self.trouble = told(error)
            time.sleep(max(EVERY_SECONDS, (time.thread_time() - spent) / SHARE))

    def take(self) -> None:
        """Take a picture now. Raises what Redis and the broker raise."""
        if time.monotonic() >= self._next_look:
            before = self.roster.names
            self.roster.look()
            self._known.set()
            if self.roster.names is not before:
                freeze()
            self._next_look = time.monotonic() + settings().accounts_seconds * self.roster.patience
        names = self.roster.names
        crowd = Crowd(URGENT)
        self._picture = picture(len(names), self.roster.gateways, self.roster.accounts(names), crowd, secrets=False)
        self._group_letters()
        memory.give_back()
        self.trouble = ""
        self._taken.set()

    def _group_letters(self) -> None:
        """Group the letters again if any has come or gone."""
        letters = stores().letters
        ids = letters.ids()
        newest = letters.buried(ids[-1:])
        if self._letters != (len(ids), newest):
            groups = Groups()
            groups.take(letters.many(ids[-MOST_READ:]))
            self.groups, self._letters = groups.all(), (len(ids), newest)


def told(error: Exception) -> str:
    """What kept a picture from being taken, without anything that may be a secret or a buyer's."""
    return refusal(error, "").text if isinstance(error, RedisError | KombuError) else type(error).__name__


@cache
def looking() -> Looking:
    """The one of this process."""
    return Looking(Roster(settings().accounts))


def roster() -> Roster:
    """The accounts, as they were at the latest look."""
    return looking().known(PATIENCE_SECONDS)


def latest(patience: float = 0.0) -> Picture | None:
    """The latest picture of this process's own, and a wish for a newer one; None while there is none yet."""
    return looking().latest(patience)


def age(found: Picture) -> float:
    """How old a picture is (seconds)."""
    return max(0.0, clock.now() - found.now)
