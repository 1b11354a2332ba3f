"""Reading the accounts once, and keeping them up to date while the process runs."""

import hashlib
import logging
import marshal
import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from tasks.accounts.checking import check
from tasks.accounts.faults import AccountsError, Fault
from tasks.accounts.models import Accounts
from tasks.accounts.origins import Origin, open_origin
from tasks.accounts.secrets import Secrets

SECRETS_SHARE = 0.01  # of the time may go into looking whether the secrets' files have changed
SHOWN_WARNINGS = 10

logger = logging.getLogger(__name__)


def load(source: str, environ: Mapping[str, str] | None = None) -> Accounts:
    """The accounts of a file's path or of `python:package.module:callable`.

    `environ` is where `env:NAME` is looked up, the process's own by default. Raises `AccountsError` with every fault.
    """
    origin = open_origin(source)
    return _checked(origin.read(), _secrets(origin, environ), origin)


def _secrets(origin: Origin, environ: Mapping[str, str] | None) -> Secrets:
    return Secrets(os.environ if environ is None else environ, origin.folder)


def _checked(raw: object, secrets: Secrets, origin: Origin) -> Accounts:
    """A function's structure may be of any classes, whose faults must not stop the process that reads it."""
    try:
        return check(raw, secrets, origin.name, literals_are_fine=origin.literals_are_fine)
    except AccountsError:
        raise
    except Exception as error:
        said = f"the structure cannot be read: {type(error).__name__}"
        raise AccountsError([Fault(origin.name, said)], origin.name) from None


def _digest(raw: Any) -> bytes:
    """Equal for equal structures of plain values; empty when there are others in it."""
    try:
        return hashlib.sha256(marshal.dumps(raw, 2)).digest()
    except ValueError:
        return b""


class AccountsSource:
    """The accounts as they are now, for a process that keeps running.

    A file is looked at every `check_every` seconds at most, and a change counts once the file has kept still for one
    look; a function is called again every 30 times that. While a change is faulty, the last good accounts stay. Where
    nothing changed the same object is returned. May be used from several threads.
    """

    def __init__(self, source: str, check_every: float = 1.0, environ: Mapping[str, str] | None = None) -> None:
        self._origin = open_origin(source)
        self._environ = environ
        self._pace = check_every * self._origin.patience
        self._next_look = self._next_secrets = 0.0
        self._lock = threading.Lock()
        self._secrets: Secrets | None = None
        self._digest = b""
        self._good: Accounts | None = None
        self._faults: tuple[Fault, ...] = ()
        self._said = ""

    def current(self) -> Accounts:
        """The latest accounts that were whole and right. Raises `AccountsError` only if there never were any."""
        if self._lock.acquire(blocking=self._good is None):
            try:
                self._look()
            finally:
                self._lock.release()
        if self._good is None:
            raise AccountsError(self._faults, self._origin.name)
        return self._good

    def _look(self) -> None:
        now = time.monotonic()
        if self._secrets is None or now >= self._next_look:
            other_secrets = self._secrets_changed(now)
            if self._secrets is None or self._origin.changed() or other_secrets:
                self._read(other_secrets)
            self._next_look = time.monotonic() + self._pace

    def _secrets_changed(self, now: float) -> bool:
        """Whether a secret's file changed. Many files are looked at less often, for a share of the time."""
        if self._secrets is None or now < self._next_secrets:
            return self._secrets is None
        changed = self._secrets.changed()
        self._next_secrets = now + (time.monotonic() - now) / SECRETS_SHARE
        return changed

    def _read(self, other_secrets: bool) -> None:
        digest, secrets = b"", _secrets(self._origin, self._environ)
        self._secrets = self._secrets or secrets
        try:
            raw = self._origin.read()
            digest = _digest(raw)
            if other_secrets or not digest or digest != self._digest:
                self._secrets = secrets
                self._take(_checked(raw, secrets, self._origin))
        except AccountsError as error:
            self._report(error)
        self._digest = digest

    def _take(self, fresh: Accounts) -> None:
        self._said = ""
        if fresh == self._good:
            return
        self._good = fresh
        logger.info("%s: %d accounts, %d gateways", self._origin.name, len(fresh.accounts), len(fresh.gateways))
        for warning in fresh.warnings[:SHOWN_WARNINGS]:
            logger.warning("%s: %s", self._origin.name, warning)
        if len(fresh.warnings) > SHOWN_WARNINGS:
            logger.warning("%s: and %d more such", self._origin.name, len(fresh.warnings) - SHOWN_WARNINGS)

    def _report(self, error: AccountsError) -> None:
        """Say it once: a function that keeps failing the same way fills no log."""
        self._faults = error.faults
        if str(error) != self._said:
            self._said = str(error)
            kept = "" if self._good is None else "; the accounts of before stay in force"
            logger.error("%s%s", self._said, kept)
