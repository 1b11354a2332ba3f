"""Reading the accounts once, and keeping them up to date while the process runs."""

import logging
import math
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tasks.accounts.background import Background
from tasks.accounts.checking import check
from tasks.accounts.faults import AccountsError, Fault
from tasks.accounts.models import Account, Accounts, Gateway, differ
from tasks.accounts.origins import Origin, open_origin
from tasks.accounts.pieces import Uncut
from tasks.accounts.reuse import Reuse
from tasks.accounts.secrets import Secrets, Unneeded
from tasks.garbage import freeze
from tasks.logs import about

SECRETS_SHARE = 0.01  # of the time may go into looking whether the secrets' files have changed
SHOWN_WARNINGS = 10
MANY = 1000  # accounts that the garbage collector had better not look through
PATIENCE_SECONDS = 1.0
RESTLESS_SECONDS = 0.05  # from one look to the next at a file that is being written and that somebody waits for
GLANCE_SECONDS = 0.25  # from one look to the next at a file that was seen being written
NEWS_SECONDS = 300.0  # whoever has not looked for so long looks before anything else

logger = logging.getLogger(__name__)


def load(source: str, environ: Mapping[str, str] | None = None, *, secrets: Secrets | None = None) -> Accounts:
    """The accounts of a file's path or of `python:package.module:callable`.

    `environ` is where `env:NAME` is looked up, the process's own by default; `secrets` takes the place of looking anything
    up. Raises `AccountsError` with every fault.
    """
    origin = open_origin(source)
    return _read(origin, secrets or _secrets(origin, environ), Reuse())


def _secrets(origin: Origin, environ: Mapping[str, str] | None, *, needed: bool = True) -> Secrets:
    return Secrets(os.environ if environ is None else environ, origin.folder, needed=needed)


def _read(origin: Origin, secrets: Secrets, reuse: Reuse) -> Accounts:
    try:
        return _checked(origin.read(), secrets, origin, reuse)
    except Uncut:
        return _checked(origin.read(whole=True), secrets, origin, reuse)


def _checked(raw: object, secrets: Secrets, origin: Origin, reuse: Reuse) -> Accounts:
    """A function's structure may be of any classes, whose faults must not stop the process that reads it."""
    try:
        return check(raw, secrets, origin.name, literals_are_fine=origin.literals_are_fine, reuse=reuse)
    except (AccountsError, Uncut):
        raise
    except BaseException as error:
        said = f"the structure cannot be read: {type(error).__name__}"
        raise AccountsError([Fault(origin.name, said)], origin.name) from None


class AccountsSource:
    """The accounts as they are now, for a process that keeps running.

    A file is looked at every `check_every` seconds at most, and a change counts once the file has kept still for one
    look; a function is called again every 30 times that. While a change is faulty, the last good accounts stay. Where
    nothing changed the same object is returned, and an account that did not change is the same object as before.

    Once there are good accounts, a background thread looks and reads. May be used from several threads, and on both sides of
    a fork.
    """

    def __init__(
        self, source: str, check_every: float = 1.0, environ: Mapping[str, str] | None = None, *, secrets: bool = True
    ) -> None:
        """Without `secrets` none is looked up, for who calls no platform and runs where they are not."""
        self._origin = open_origin(source)
        self._environ = environ
        self._with_secrets, self._spared = secrets, False
        self.pace = check_every * self._origin.patience
        """Seconds from one look to the next."""
        self._next_look = self._next_secrets = 0.0
        self._next_glance = math.inf
        self._lock = threading.Lock()
        self._background = Background(self._look, self._forget)
        self._secrets: Secrets | None = None
        self._reuse = Reuse()
        self._good: Accounts | None = None
        self._faults: tuple[Fault, ...] = ()
        self._said = ""
        self._looked = -math.inf
        self._news: dict[str, float] = {}

    def current(self, patience: float = PATIENCE_SECONDS, age: float = math.inf) -> Accounts:
        """The latest accounts that were whole and right. Raises `AccountsError` only if there never were any.

        Reading goes on in the background, except that whoever is the first to ask after a long time waits up to `patience`
        seconds for it: what was read then may be long out of date. So does everybody who needs to know what stood there
        `age` seconds ago: one look, out of turn, serves them all.
        """
        if self._good is None:
            with self._lock:
                if self._good is None and time.monotonic() >= self._next_look:
                    self._look()
        elif self.age > age:
            self._catch_up(patience, time.monotonic() - age)
        elif (now := time.monotonic()) >= min(self._next_look, self._next_glance):
            looked = self._background.ask()
            if looked and now - self._next_look > self.pace:
                looked.wait(patience)
        if self._good is None:
            raise AccountsError(self._faults, self._origin.name)
        return self._good

    def usable(self) -> bool:
        """Whether there are accounts to go by; looks again where there never were any."""
        if self._good is None:
            with suppress(AccountsError):
                self.current()
        return self._good is not None

    def gateways(self) -> Mapping[str, Gateway]:
        """The gateways as they are now, without their secrets where that saves reading 100,000 accounts. Raises as `current`."""
        alone = self._origin.gateways() if self._good is None else None
        if alone is None:
            return self.current().gateways
        return check({"gateways": alone, "accounts": {}}, Unneeded(), self._origin.name).gateways

    def spare_secrets(self) -> None:
        """From now on a secret that is not here is no fault: for a beat, which calls no platform."""
        self._spared = True
        if self._good is None:
            self._said, self._next_look, self._secrets = "", 0.0, None

    @property
    def folder(self) -> Path:
        """Where relative paths of secrets start."""
        return self._origin.folder

    @property
    def known(self) -> bool:
        """Whether there were good accounts already."""
        return self._good is not None

    @property
    def said(self) -> str:
        """The fault that was logged last, "" when there is none."""
        return self._said

    @property
    def age(self) -> float:
        """How many seconds ago the latest look began: no change from before it is missing, unless it was faulty."""
        return time.monotonic() - self._looked

    def news(self, name: str) -> float | None:
        """How many seconds ago an account that is new or has changed was read; None for one that has long been as it is."""
        found = self._news.get(name)
        return None if found is None else time.monotonic() - found

    def _catch_up(self, patience: float, since: float) -> None:
        end = time.monotonic() + patience
        for _ in range(1 + int(patience / RESTLESS_SECONDS)):
            left = end - time.monotonic()
            if self._looked >= since or left <= 0:
                return
            self._background.join(left)

    def _look(self) -> None:
        began = time.monotonic()
        hurried = began < self._next_look
        changed = self._origin.changed(hurried=hurried)
        if self._secrets_changed(began, hurried=hurried) or changed or self._secrets is None:
            self._read()
        elif changed is None and hurried:
            time.sleep(RESTLESS_SECONDS)
        if changed is not None:
            self._looked = began
        self._next_glance = math.inf if changed is not None else began + GLANCE_SECONDS
        if changed is not None or not hurried:
            self._next_look = time.monotonic() + self.pace

    def _forget(self) -> None:
        """Read again at the next look, whatever has been read so far."""
        self._origin.forget()
        self._looked = -math.inf

    def _secrets_changed(self, now: float, *, hurried: bool) -> bool:
        """Whether a secret's file changed. Many files are looked at for a share of the time only, unless somebody waits."""
        if self._secrets is None or (now < self._next_secrets and not hurried):
            return False
        changed = self._secrets.changed()
        self._next_secrets = now + (time.monotonic() - now) / SECRETS_SHARE
        return changed

    def _read(self) -> None:
        self._secrets = (
            _secrets(self._origin, self._environ, needed=not self._spared) if self._with_secrets else Unneeded()
        )
        try:
            self._take(_read(self._origin, self._secrets, self._reuse))
        except AccountsError as error:
            self._report(error)

    def _take(self, fresh: Accounts) -> None:
        first, self._said = self._good is None and not self._said, ""
        if fresh == self._good:
            return
        if self._good is not None:
            self._note(self._good.accounts, fresh.accounts)
        self._good = fresh
        if len(fresh.accounts) >= MANY:
            freeze()
        if first:
            return  # tasks/plumbing/starting.py tells it, once for all processes that start together
        logger.info(
            "%s: %d accounts, %d gateways",
            self._origin.name,
            len(fresh.accounts),
            len(fresh.gateways),
            extra=about("accounts_read", accounts=len(fresh.accounts), gateways=len(fresh.gateways)),
        )
        for warning in fresh.warnings[:SHOWN_WARNINGS]:
            logger.warning("%s: %s", self._origin.name, warning, extra=about("accounts_advice"))
        if len(fresh.warnings) > SHOWN_WARNINGS:
            logger.warning(
                "%s: and %d more such",
                self._origin.name,
                len(fresh.warnings) - SHOWN_WARNINGS,
                extra=about("accounts_advice"),
            )

    def _note(self, before: Mapping[str, Account], now: Mapping[str, Account]) -> None:
        """Remember for a while which accounts are new or have changed, and since when that is known."""
        at = time.monotonic()
        recent = {name: then for name, then in self._news.items() if at - then < NEWS_SECONDS}
        self._news = recent | dict.fromkeys((name for name in now if differ(now[name], before.get(name))), at)

    def _report(self, error: AccountsError) -> None:
        """Say it once: a function that keeps failing the same way fills no log."""
        self._faults = error.faults
        if str(error) != self._said:
            self._said = str(error)
            kept = "" if self._good is None else "; the accounts of before stay in force"
            logger.error("%s%s", self._said, kept, extra=about("accounts_unusable"))
