"""Leaves accounts and gateways alone for a while: looks whether one is paused, and pauses it after a failed call."""

import time
from dataclasses import dataclass

from celery.utils.log import get_task_logger

from tasks import failures
from tasks.accounts import Account, fingerprint
from tasks.platforms.errors import PlatformError
from tasks.runtime import stores
from tasks.store.pauses import Kind, Pause
from tasks.text import shown

log = get_task_logger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands now.

    `wait` is for how many seconds it must not be called before it is looked at again, 0 when it may be. `standstill` tells that
    its messages must not be handled either: a person or the guard has stopped it, not its platform.
    """

    wait: float
    standstill: bool


def look(account: Account) -> Standing:
    """Whether the account may be called now."""
    now, ours = time.time(), fingerprint(account)
    found = stores().pauses.get(account.name, account.gateway.name)
    on_account, on_gateway = (pause if failures.holds(pause, ours, now=now) else None for pause in found)
    ends = [pause.until for pause in (on_account, on_gateway) if pause]
    wait = min(failures.ASK_AGAIN, max(ends) - now) if ends else 0.0
    return Standing(wait, on_account is not None and not on_account.fingerprint)


def after(account: Account, error: PlatformError) -> float:
    """Pause whoever the error concerns; the seconds until the account is looked at again, 0 when nobody was paused."""
    now, ours = time.time(), fingerprint(account)
    on_account, on_gateway = stores().pauses.get(account.name, account.gateway.name)
    decision = failures.decide(error, on_account if error.scope == "account" else on_gateway, ours, now=now)
    if decision.pause is None:
        return 0.0
    put(account, decision.kind, decision.pause, now)
    return min(failures.ASK_AGAIN, max(0.001, decision.pause.until - now))


def put(account: Account, kind: Kind, pause: Pause, now: float) -> None:
    """Leave the account, or its whole gateway, alone for a while, and say so."""
    whom = account.name if kind == "account" else account.gateway.name
    stores().pauses.put(kind, whom, pause, now=now)
    told = " ".join(shown(part, 500) for part in (pause.reason, pause.remedy) if part)
    log.warning("%s %s is paused for %.0f s: %s", kind, shown(whom), pause.until - now, told)
