"""Buries what no handler can take, and stops a bad release from burying everything.

Past a share of dead letters the account pauses instead.

What ended well is counted here, in the process, and told to Redis with the next death: the usual message costs nothing.
"""

import shlex
from collections import Counter
from functools import cache
from hashlib import blake2b
from typing import Literal

from celery.utils.log import get_task_logger

from tasks import clock
from tasks.accounts import Account
from tasks.handling import measuring
from tasks.handling.delivery import Delivery
from tasks.logs import about
from tasks.platforms.base import Item, Spoilt
from tasks.platforms.errors import PlatformError
from tasks.rules.circuit_breaker import DEAD_SECONDS, FROM_DEAD, FROM_DEAD_OF_ALL, Pause, too_many_dead
from tasks.rules.outcomes import Outcome
from tasks.runtime import stores
from tasks.settings import settings
from tasks.store.letters import Kind, Letter
from tasks.store.marks import Begun
from tasks.store.recent import EVERYBODY
from tasks.text import shown

log = get_task_logger(__name__)

FLUSH_AT = 100

MEND = "mend the handlers and restart the workers"
LOOK = "see what the platform has sent, with celery -A tasks letters list --account"
"""What a person can do where too many are buried: that handlers bury, or that cannot be read."""


@cache
def well() -> Counter[str]:
    """How many messages of each account went well in this process of which Redis has not been told."""
    return Counter()


def delivery(given: Delivery, begun: Begun, kind: Kind, reason: str, traceback: str = "", told: str = "") -> Outcome:
    """Bury a message and mark it as done with; leave it when too many are buried already. A replay's letter takes its place.

    `kind`, `reason` and `traceback` are the letter's, and the last two may hold buyer data; `told` is what the log may say.
    """
    if not given.letter and not may_bury(given.batch.account):
        stores().marks.release(given.names, begun.tries, left=True)
        return "failed"
    stored = stores().letters.bury(
        Letter(
            given.item,
            given.platform,
            given.batch.account,
            reason,
            traceback,
            deliveries=begun.deliveries,
            tries=begun.tries,
            names=given.names,
            kind=kind,
        ),
        given.batch.gateway,
    )
    stores().marks.finish(given.names, "dead", {measuring.ended(given, "dead"): 1})
    logged = about("letter_buried", **given.fields, letter=stored)
    log.error("%s is buried as letter %s: %s", given, stored, told, extra=logged)
    return "dead"


def item(account: Account, spoilt: Spoilt) -> Outcome:
    """Bury an item of a reply that cannot be read, unless too many are buried already.

    One without an id cannot be confirmed, and comes again until the platform throws it away: it counts once.
    """
    letter = _unreadable(account, "item", spoilt.receipt, spoilt.raw, spoilt.reason)
    is_new = not stores().letters.buried([letter.id])
    if is_new and not may_bury(account.name, f"{LOOK} {shlex.quote(account.name)}"):
        return "failed"
    _store(account, letter)
    return "dead"


def reply(account: Account, body: bytes, error: PlatformError) -> None:
    """Bury a reply that cannot be read, however many are buried already: nobody else has its messages any more.

    The same bytes are the same letter, as a page that says for an hour that the platform is being mended.
    """
    named = blake2b(account.name.encode() + b"\0" + body, digest_size=16).hexdigest()
    _store(account, _unreadable(account, "reply", named, body.decode("latin-1"), str(error)))


def _unreadable(account: Account, what: Literal["item", "reply"], id_: str, raw: str, error: str) -> Letter:
    content = Item(receipt="", id=id_, topic="", content=raw)
    reason = f"the platform's {what} cannot be read: {error}"
    return Letter(content, account.gateway.platform, account.name, reason, reply=what == "reply", kind="unreadable")


def _store(account: Account, letter: Letter) -> None:
    stored = stores().letters.bury(letter, account.gateway.name)
    told = about("letter_buried", account=account.name, gateway=account.gateway.name, letter=stored)
    log.error("%s: %s, buried as letter %s", shown(account.name), shown(letter.reason, 500), stored, extra=told)


def went_well(account: str) -> None:
    """Count a handled message, of the account and of all."""
    for name in (account, EVERYBODY):
        well()[name] += 1
        if well()[name] >= FLUSH_AT:
            stores().recent.tell(name, well().pop(name))


def may_bury(account: str, remedy: str = MEND) -> bool:
    """Whether one more message of this account may be buried; if not, the account is paused, which tells the `remedy`, and the
    message is to be left.

    A fault that all accounts share, as an address that nobody answers at, would bury some of each: so all together count too.
    """
    of_account = too_many(account, FROM_DEAD)
    refused = of_account or too_many(EVERYBODY, FROM_DEAD_OF_ALL)
    if not refused:
        return True
    if not of_account:
        stores().recent.add(account, dead=-1)
    now = clock.now()
    reason = f"{refused} would be buried, more than TIDINGS_MAX_DEAD_RATIO allows"
    remedy = f"{remedy}, then: celery -A tasks accounts resume {shlex.quote(account)}"
    stores().pauses.put("account", account, Pause(now + DEAD_SECONDS, reason, remedy, since=now), now=now)
    log.error(
        "account %s is paused: %s; %s",
        shown(account),
        reason,
        shown(remedy, 200),
        extra=about("paused", kind="account", whom=account),
    )
    return False


def too_many(whose: str, least: int) -> str:
    """How many of the latest messages are dead with one more, where that is too many; else it is counted, and this is ""."""
    fine, dead = stores().recent.add(whose, well=well().pop(whose, 0), dead=1)
    if not too_many_dead(fine, dead, settings().max_dead_ratio, least):
        return ""
    stores().recent.add(whose, dead=-1)
    return f"{dead} of the latest {fine + dead} messages{'' if whose else ' of all accounts'}"
