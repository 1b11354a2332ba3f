"""How the demo goes on: counts by account, read from the sandbox, the journal and Redis."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tasks import clock
from tasks.commands.accounts.standing import in_force
from tasks.commands.demo.cast import CAST, Actor
from tasks.commands.demo.stage import Stage
from tasks.rules.circuit_breaker import Pause


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
    def waiting(self) -> int:
        """Messages that need something more."""
        done = self.handled + self.buried if self.confirmed is None else self.confirmed
        return max(0, self.published - done)

    @property
    def pulled(self) -> bool:
        """Whether every message has been delivered."""
        return self.delivered >= self.published

    @property
    def over(self) -> bool:
        """Whether every message is done with."""
        return not self.waiting and self.handled + self.buried >= self.published and not self.open


def look(stage: Stage) -> list[Now]:
    """Every account as it stands now."""
    buried = Counter(letter.account for letter in stage.stores.letters.all())
    handled = Counter(account for account, _ in stage.journal.handled())
    queues = stage.control.summary()["queues"]
    return [_now(stage, actor, _queue(actor, queues), handled[actor.name], buried[actor.name]) for actor in CAST]


def _queue(actor: Actor, queues: list[dict[str, int]]) -> Mapping[str, int]:
    """The sums of the account's queue in the sandbox; none before the first message."""
    wanted = {"platform": actor.platform, **actor.where}.items()
    return Counter(next((queue for queue in queues if wanted <= queue.items()), {}))


def _now(stage: Stage, actor: Actor, queue: Mapping[str, int], handled: int, buried: int) -> Now:
    pauses = stage.stores.pauses.get(actor.name, actor.platform)
    _, pause = in_force(stage.known[actor.name], *pauses, clock.now())
    return Now(
        actor,
        published=queue["published"],
        delivered=queue["delivered"],
        handled=handled,
        buried=buried,
        confirmed=queue["confirmed"] if actor.confirms else None,
        open=not actor.confirms and stage.stores.inbox.waiting(actor.name) > 0,
        pause=pause,
    )
