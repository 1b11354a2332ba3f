"""How an account stands: polled, or paused by whom, until when and why. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tasks.accounts import Account, fingerprint
from tasks.clock import HOUR, SHANGHAI
from tasks.commands.ages import told
from tasks.rules import circuit_breaker
from tasks.rules.circuit_breaker import WITHOUT_END, Kind, Pause


@dataclass(frozen=True, slots=True)
class Standing:
    """One account now. `next_in` and `interval` are seconds, None when no beat or poll has set them yet."""

    account: Account
    paused: Kind | None
    pause: Pause | None
    next_in: float | None = None
    interval: float | None = None
    open: int = 0
    today: Mapping[str, int] = field(default_factory=dict)

    def state(self, now: float) -> str:
        """The state in a few words."""
        if self.pause is None:
            return "polled"
        who = "gateway paused" if self.paused == "gateway" else "paused"
        return f"{who}{' by hand' if self.pause.by_hand else ''}{_until(self.pause.until, now)}"

    @property
    def why(self) -> str:
        """Reason and remedy of a pause, "" without one."""
        return "; ".join(part for part in (self.pause.reason, self.pause.remedy) if part) if self.pause else ""


def in_force(
    account: Account, own: Pause | None, gateways: Pause | None, now: float
) -> tuple[Kind | None, Pause | None]:
    """The pause that keeps an account from being called, the one that ends last; whose it is comes first."""
    both: tuple[tuple[Kind, Pause | None], ...] = (("account", own), ("gateway", gateways))
    ours = fingerprint(account)
    held = [(kind, pause) for kind, pause in both if pause and circuit_breaker.holds(pause, ours, now=now)]
    return max(held, key=lambda each: each[1].until) if held else (None, None)


def _until(until: float, now: float) -> str:
    """When a pause ends, as far as it does."""
    if until >= WITHOUT_END:
        return ""
    at = datetime.fromtimestamp(until, SHANGHAI)
    written = f"{at:%H:%M:%S}" if until - now < 12 * HOUR else f"{at:%Y-%m-%d %H:%M}"
    return f" until {written} ({told(until - now)})"
