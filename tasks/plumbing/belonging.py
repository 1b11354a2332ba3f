"""Worker and beat stay with the installation that they began with, whatever answers at its address later."""

import logging
import os
import signal
from secrets import token_hex

from tasks.logs import about
from tasks.plumbing import housekeeping
from tasks.rules.belonging import Installation, not_ours
from tasks.runtime import stores
from tasks.settings import settings

LOOK_SECONDS = 5.0

log = logging.getLogger(__name__)


class Belonging:
    """Which installation this process works for."""

    def __init__(self) -> None:
        self._mine: Installation | None = None

    def look(self) -> str:
        """Write down the installation where the Redis holds none; why it is not the one it was, "" when it is."""
        here = settings()
        home = str(here.home.resolve()) if here.found_at_home else ""
        found = stores().installations.claim(self._mine or Installation(here.installation or token_hex(6), home))
        self._mine = self._mine or Installation(here.installation or found.id, found.home)
        return not_ours(str(here.redis), self._mine.id, found)


_belonging = Belonging()


@housekeeping.every(LOOK_SECONDS)
def stay() -> None:
    """Stop this process when its Redis has become another installation's."""
    if why := _belonging.look():
        log.critical("%s; this process stops", why, extra=about("foreign_installation"))
        os.kill(os.getpid(), signal.SIGTERM)
