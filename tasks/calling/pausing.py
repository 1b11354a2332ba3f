"""Leaves accounts and gateways alone for a while: looks whether one is paused, and pauses it after a failed call."""

from dataclasses import dataclass

from celery.utils.log import get_task_logger

from tasks import clock
from tasks.accounts import Account, fingerprint, gateway_fingerprint
from tasks.logs import about
from tasks.platforms.errors import OutOfQuota, PlatformError, Throttled, Unavailable
from tasks.rules import circuit_breaker
from tasks.rules.circuit_breaker import Kind, Pause
from tasks.runtime import accounts, stores
from tasks.text import shown

log = get_task_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hold:
    """How an account stands now.

    `wait` is for how many seconds it must not be called before it is looked at again, 0 when it may be. `standstill` tells that
    its messages must not be handled either: a person or a bad release has stopped it, not its platform.
    """

    wait: float
    standstill: bool


def look(account: Account) -> Hold:
    """Whether the account may be called now."""
    return hold(account, stores().pauses.get(account.name, account.gateway.name))


def hold(account: Account, found: tuple[Pause | None, Pause | None]) -> Hold:
    """Whether it may be, with these pauses as the latest of the account and its gateway. One that was noted while the
    clock was ahead is dropped, so that nobody is told of it any more."""
    if found == (None, None):
        return Hold(0.0, standstill=False)
    now, prints = clock.now(), (fingerprint(account), gateway_fingerprint(account.gateway))
    whose: tuple[tuple[Kind, str], ...] = ("account", account.name), ("gateway", account.gateway.name)
    for (kind, name), pause in zip(whose, found, strict=True):
        if pause and circuit_breaker.from_ahead(pause, now):
            stores().pauses.end(kind, name)
    on_account, on_gateway = (
        pause if circuit_breaker.holds(pause, ours, now=now) else None
        for pause, ours in zip(found, prints, strict=True)
    )
    ends = [pause.until for pause in (on_account, on_gateway) if pause]
    wait = min(ask_again(), max(ends) - now) if ends else 0.0
    return Hold(wait, on_account is not None and not on_account.fingerprint)


def after(account: Account, error: PlatformError) -> float:
    """Pause whoever the error concerns; the seconds until the account is looked at again, 0 when nobody was paused."""
    now, whose = clock.now(), error.scope
    if circuit_breaker.decide(error, None, "", now=now).pause is None:
        return 0.0
    on_account, on_gateway = stores().pauses.get(account.name, account.gateway.name)
    if on_gateway and whose == "gateway" and alone(account, error, on_gateway):
        whose = "account"
    last = on_account if whose == "account" else on_gateway
    ours = fingerprint(account) if whose == "account" else gateway_fingerprint(account.gateway)
    answered = last_answer(account, whose) if last else 0.0
    decision = circuit_breaker.decide(error, last, ours, now=now, answered=answered, whose=whose)
    if decision.pause is None:
        return 0.0
    longest = decision.pause
    if last and circuit_breaker.outlasts(last, decision.pause):
        longest = last  # as when calls that were under way together end in a spent day and in a ban of a second
    else:
        put(account, decision.kind, decision.pause, now)
    return min(ask_again(), max(0.001, longest.until - now))


def alone(account: Account, error: PlatformError, last: Pause) -> bool:
    """Whether the account alone is refused, behind a gateway that had this pause and has answered others since."""
    others, itself = last_answer(account, "gateway"), last_answer(account, "account")
    return circuit_breaker.alone(error, last, gateway_fingerprint(account.gateway), answered=others, itself=itself)


def last_answer(account: Account, whose: Kind) -> float:
    """When a pull of the account, or of any behind its gateway, was last answered, in seconds since the epoch; 0 for never."""
    if whose == "gateway":
        return stores().measures.last_pull(account.gateway.name)
    seen = stores().seen.get(account.name)
    return seen.at if seen else 0.0


def banned(account: Account) -> float:
    """For how many more seconds its platform refuses every call of the gateway, by its own word; 0 when it does not."""
    return ban(stores().pauses.many("gateway", [account.gateway.name]).get(account.gateway.name))


def ban(pause: Pause | None) -> float:
    """For how many more seconds the platform's own word holds, if that is what the gateway's pause is."""
    if pause is None or pause.by_hand or pause.fingerprint:
        return 0.0
    return max(0.0, pause.until - clock.now())


def heed(account: Account, error: PlatformError) -> float:
    """Hold all workers back when a call was one too many for the platform, or it is away; the seconds, 0 for other errors.

    For confirms and counts, whose other errors say nothing about pulls.
    """
    return after(account, error) if isinstance(error, Throttled | OutOfQuota | Unavailable) else 0.0


def ask_again() -> float:
    """How long a paused account is left alone at the most before it is looked at again (seconds)."""
    return circuit_breaker.ask_again(len(accounts().accounts))


def put(account: Account, kind: Kind, pause: Pause, now: float) -> None:
    """Leave the account, or its whole gateway, alone for a while, and say so."""
    whom = account.name if kind == "account" else account.gateway.name
    stores().pauses.put(kind, whom, pause, now=now)
    told = " ".join(shown(part, 500) for part in (pause.reason, pause.remedy) if part)
    log.warning(
        "%s %s is paused for %.0f s: %s",
        kind,
        shown(whom),
        pause.until - now,
        told,
        extra=about("paused", kind=kind, whom=whom, seconds=pause.until - now),
    )
