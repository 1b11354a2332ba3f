"""How the demo goes on: counts by account, read from the sandbox, the journal and Redis."""

from collections import defaultdict
from dataclasses import dataclass

from tasks import clock
from tasks.commands.demo.cast import CAST, Actor
from tasks.commands.demo.journal import Entry, Journal
from tasks.rules import circuit_breaker
from tasks.rules.circuit_breaker import Pause
from tasks.runtime import Stores
from tasks.sandbox.control import Control
from tasks.store.letters import Letter


@dataclass(frozen=True, slots=True)
class Now:
    """One account at this moment. `confirmed` is None where the platform has no confirm."""

    actor: Actor
    published: int
    delivered: int
    handled: int
    buried: int
    confirmed: int | None
    open: bool
    pause: Pause | None

    @property
    def done(self) -> int:
        """Messages that need nothing more."""
        return self.handled + self.buried if self.confirmed is None else self.confirmed

    @property
    def pulled(self) -> bool:
        """Whether every message has been delivered."""
        return self.delivered >= self.published

    @property
    def over(self) -> bool:
        """Whether every message is done with."""
        return self.done >= self.published and self.handled + self.buried >= self.published and not self.open


class Watch:
    """Looks at all accounts."""

    def __init__(self, control: Control, journal: Journal, stores: Stores) -> None:
        self._control = control
        self._journal = journal
        self._stores = stores
        self._handled: defaultdict[str, set[str]] = defaultdict(set)
        self.fingerprints: dict[str, str] = {}
        """Those of the credentials in the accounts file: a pause for others is over."""
        self.entries: list[Entry] = []
        self.letters: list[Letter] = []

    def look(self) -> list[Now]:
        """Every account as it stands now."""
        self.letters = list(self._stores.letters.all())
        for entry in self._journal.new():
            self.entries.append(entry)
            self._handled[entry.account].add(entry.id)
        queues = self._control.summary()["queues"]
        return [self._now(actor, queues) for actor in CAST]

    def _now(self, actor: Actor, queues: list[dict[str, object]]) -> Now:
        wanted = {"platform": actor.platform, **actor.where}.items()
        sums = next((queue for queue in queues if wanted <= queue.items()), {})
        pause, _ = self._stores.pauses.get(actor.name, actor.gateway)
        return Now(
            actor,
            published=int(str(sums.get("published", 0))),
            delivered=int(str(sums.get("delivered", 0))),
            handled=len(self._handled[actor.name]),
            buried=sum(letter.account == actor.name for letter in self.letters),
            confirmed=int(str(sums.get("confirmed", 0))) if actor.confirms else None,
            open=not actor.confirms and self._stores.inbox.waiting(actor.name) > 0,
            pause=pause if circuit_breaker.holds(pause, self.fingerprints[actor.name], now=clock.now()) else None,
        )
