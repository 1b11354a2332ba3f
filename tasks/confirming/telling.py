"""Tells the platform, or on vv-tool the inbox, that messages are done with, in as many calls as that takes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic

from celery.utils.log import get_task_logger

from tasks.accounts import Account, VvtoolAccount
from tasks.calling import calls, pausing
from tasks.calling.errors import NotNow
from tasks.confirming import whose
from tasks.logs import about
from tasks.platforms import http
from tasks.platforms.clients import client_for
from tasks.platforms.errors import BadRequest, Declined, PlatformError, Unauthorised
from tasks.plumbing.visibility import visibility
from tasks.rules import measures
from tasks.rules.lease import Batch, confirm_seconds
from tasks.rules.narrowing import narrowed
from tasks.runtime import stores
from tasks.store.chunks import chunks
from tasks.text import shown

log = get_task_logger(__name__)

LEAST_SHARE = 0.25
"""A call begins only while so much of the time for all calls of a confirm is left."""

HICCUPS = 3
"""A confirm that is answered with false is tried again so often as it is: over some four seconds."""

LONGEST = 500
"""Characters of what a platform says that are passed on."""
GONE = "their account is gone, or of another platform now"
NO_CALL = "the gateway's limits, or its platform's, left no call for it in time"


@dataclass(slots=True)
class Came:
    """What came of a confirm's calls: the receipts that the platform took, those that it refuses for good, and those that are
    left for another try, after `wait` seconds at the least; and why the last call that brought nothing did not.
    """

    taken: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    wait: float = 0.0
    why: str = ""


def tell(account: Account, batch: str, receipts: list[str], tries: int = 0) -> Came:
    """Have these confirmed, after so many tries. A list that is refused is narrowed to the receipts that it is refused for, and
    so is one that goes on being answered with false.
    """
    if isinstance(account, VvtoolAccount):
        return Came(settle(account.name, account.gateway.name, batch, receipts))
    came, in_a_row, left = Came(), 0, time_left()
    pending = list(chunks(receipts, client_for(account.gateway).confirm_limit))
    if not pending:
        calls.unneeded(account)
    while pending and (seconds := left()):
        chunk = pending.pop()
        spare = bool(came.taken)  # one call is kept for each batch; a list that is taken has used it
        match call(account, batch, chunk, seconds, spare=spare):
            case None:
                came.taken += chunk
                in_a_row = 0
            case NotNow(wait=wait):
                came.left += chunk
                came.wait, came.why = max(came.wait, wait), came.why or NO_CALL
                break
            case (BadRequest() | Declined()) as error if isinstance(error, BadRequest) or tries >= HICCUPS:
                came.why, in_a_row = str(error), in_a_row + 1
                pending, hopeless = narrowed(chunk, pending, in_a_row, error)
                came.refused += hopeless
            case Unauthorised() as error:
                came.refused += chunk
                came.why = f"{error}; {error.remedy}"
            case PlatformError() as error:
                came.left += chunk
                came.wait, came.why = max(came.wait, pausing.heed(account, error)), str(error)
    came.left += flat(*pending)
    return came


def tell_part(account: Account, batch: str, receipts: list[str]) -> list[str]:
    """Have these confirmed, up to the first call that brings nothing, with calls that nobody needs for a confirm; those taken."""
    if isinstance(account, VvtoolAccount):
        return settle(account.name, account.gateway.name, batch, receipts)
    done, left = list[str](), time_left()
    for chunk in chunks(receipts, client_for(account.gateway).confirm_limit):
        if not (seconds := left()):
            break
        error = call(account, batch, chunk, seconds, spare=True, partial=True)
        if isinstance(error, PlatformError):
            pausing.heed(account, error)
        if error:
            break
        done += chunk
    return done


def time_left() -> Callable[[], float]:
    """What tells for how many seconds more the calls of one task may take, 0.0 when no other is to begin: past the time for which
    the task is hidden, another worker would make them too."""
    most = confirm_seconds(visibility())
    until = monotonic() + most

    def left() -> float:
        seconds = until - monotonic()
        return seconds if seconds > LEAST_SHARE * most else 0.0

    return left


def call(
    account: Account, batch: str, receipts: list[str], seconds: float, *, spare: bool, partial: bool = False
) -> NotNow | PlatformError | None:
    """Make one call of so many seconds; what it came to instead of confirming these, and the log tells of what the platform says.

    `spare` is that of `calls.call`; a `partial` confirm leaves all else to that of its batch.
    """
    try:
        with calls.call(account, "confirm", spare=spare), http.within(seconds):
            client_for(account.gateway).confirm(account, receipts)
    except NotNow as put_off:
        return put_off
    except PlatformError as error:
        its = {"account": account.name, "gateway": account.gateway.name, "batch": batch, "messages": len(receipts)}
        said = shown(account.name), len(receipts), shown(error, LONGEST)
        if partial:
            told = about("confirm_failed", **its, partial=True)
            log.warning("%s: a partial confirm of %d failed: %s", *said, extra=told)
        elif isinstance(error, BadRequest):
            log.warning("%s: a confirm of %d is refused: %s", *said, extra=about("confirm_refused", **its))
        else:
            log.warning("%s: a confirm of %d failed: %s", *said, extra=about("confirm_failed", **its))
        return error
    return None


def leave(batch: Batch, receipts: list[str]) -> Came:
    """What comes of these where no account of their platform is there any more; the inbox is told of vv-tool's all the same."""
    settle(batch.account, batch.gateway, batch.id, receipts)
    return Came(receipts) if whose.platform(batch) == "vvtool" else Came(refused=receipts, why=GONE)


def settle(account: str, gateway: str, batch: str, receipts: list[str]) -> list[str]:
    """Cross these off in the inbox, which nobody but us has to be told of."""
    stores().inbox.settle(account, batch, receipts, counter=measures.named("confirmed", gateway))
    return receipts


def flat(*lists: Iterable[str]) -> list[str]:
    """The receipts of all of these."""
    return [receipt for some in lists for receipt in some]
