"""How an account stands: polled, or paused by whom, until when and why; what its pulls told, and what was done today. Pure."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tasks.accounts import Account, fingerprint, gateway_fingerprint
from tasks.clock import HOUR, SHANGHAI
from tasks.commands.sentences import Said, Sentence, Span
from tasks.rules import circuit_breaker
from tasks.rules.circuit_breaker import WITHOUT_END, Kind, Pause
from tasks.store.seen import Seen
from tasks.store.troubles import Trouble


@dataclass(frozen=True, slots=True)
class Standing:
    """One account now. `next_in` is in seconds, None when no beat knows the account yet; `seen` is what its latest pulls told,
    `waiting` what its counter counted last, None without a counter or before its first count. `troubles` are what went wrong
    lately, the latest first."""

    account: Account
    paused: Kind | None = None
    pause: Pause | None = None
    next_in: float | None = None
    seen: Seen | None = None
    open: int = 0
    today: Counter[str] = field(default_factory=Counter)
    waiting: int | None = None
    troubles: tuple[Trouble, ...] = ()

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name

    @property
    def interval(self) -> float | None:
        """The seconds between polls that were chosen last."""
        return None if self.seen is None else self.seen.interval

    @property
    def rate(self) -> float | None:
        """Messages an hour, as the latest pull estimated them."""
        return None if self.seen is None else self.seen.per_second * 3600

    @property
    def pulled(self) -> float | None:
        """When the latest call that brought a reply was made (seconds since the epoch); None when none did."""
        return (self.seen and self.seen.at) or None

    @property
    def oldest_age(self) -> float | None:
        """How long the oldest message of the latest pull had waited (seconds); None when that pull brought none."""
        return None if self.seen is None else self.seen.oldest_age

    def state(self, now: float) -> str:
        """The state in a few words."""
        return said_pause(self.pause, now, self.paused).told() if self.pause else "polled"

    @property
    def failed(self) -> int:
        """How many tries failed today; at least the deliveries that did, which workers of an earlier version count alone."""
        return max(self.today["failed_tries"], self.today["failed"])

    @property
    def why(self) -> str:
        """Reason and remedy of a pause; without one, what the latest call failed for, else where a try failed last, "" if none
        did lately."""
        if self.pause:
            return why(self.pause)
        if self.seen and self.seen.failed:
            return self.seen.failed
        return next((f"{each.topic}: {each.text}" for each in self.troubles if each.what == "failed"), "")


def in_force(
    account: Account, own: Pause | None, gateways: Pause | None, now: float, *, secrets: bool = True
) -> tuple[Kind | None, Pause | None]:
    """The pause that keeps an account from being called, the one that ends last; whose it is comes first.

    Without the account's `secrets` nobody can tell whether they have changed since they were refused: then they have not.
    """
    if not (own or gateways):
        return None, None
    both: tuple[tuple[Kind, Pause | None], ...] = (("account", own), ("gateway", gateways))
    held = [(kind, pause) for kind, pause in both if pause and holds(account, kind, pause, now, secrets=secrets)]
    return max(held, key=lambda each: each[1].until) if held else (None, None)


def holds(account: Account, kind: Kind, pause: Pause, now: float, *, secrets: bool = True) -> bool:
    """Whether a pause, its own or its gateway's, is in force for this account."""
    ours = fingerprint(account) if kind == "account" else gateway_fingerprint(account.gateway)
    return circuit_breaker.holds(pause, ours if secrets else pause.fingerprint, now=now)


def said_pause(pause: Pause, now: float, whose: Kind | None = None) -> Said:
    """A pause in a few words: whose, by whom, until when."""
    if whose == "gateway":
        paused = Said(Sentence.GATEWAY_PAUSED_BY_HAND if pause.by_hand else Sentence.GATEWAY_PAUSED)
    else:
        paused = Said(Sentence.PAUSED_BY_HAND if pause.by_hand else Sentence.PAUSED)
    if pause.until >= WITHOUT_END:
        return paused
    at, left = datetime.fromtimestamp(pause.until, SHANGHAI), pause.until - now
    until = f"{at:{'%H:%M:%S' if left < 12 * HOUR else '%Y-%m-%d %H:%M'}}"
    return Said(Sentence.UNTIL, {"pause": paused, "until": until, "left": Span(left)})


def why(pause: Pause) -> str:
    """Reason and remedy."""
    return "; ".join(part for part in (pause.reason, pause.remedy) if part)


def pause_fields(pause: Pause) -> dict[str, Any]:
    """A pause as JSON has it; `until` is in seconds since the epoch, None when it has no end."""
    return {
        "by_hand": pause.by_hand,
        "until": None if pause.until >= WITHOUT_END else pause.until,
        "reason": pause.reason,
        "remedy": pause.remedy,
    }


def for_each_handled(today: Counter[str], what: str) -> float | None:
    """What one handled message has cost on average, in `calls` or `points` (fen); None while none was handled.

    All calls count, those for pulls that brought nothing, for confirms and for the counter, and those that failed.
    """
    return today[what] / today["handled"] if today["handled"] > 0 else None
