"""What the code tables are made of: what a platform said, whom it concerns, and the error that it means; and what HTTP refuses.

A table maps each code to a function that makes the error. Looking one up goes by sub code first, then by code, never by
text, which the platforms change at will.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from tasks import clock
from tasks.clock import DAY, day_left
from tasks.platforms.errors import (
    BadRequest,
    Codes,
    MalformedReply,
    OutOfQuota,
    PlatformError,
    Scope,
    Throttled,
    Transient,
    Unauthorised,
)
from tasks.platforms.http import HttpReply

LONGEST_TEXT = 500
"""Characters of a platform's text that an error carries on."""

TURNING_SECONDS = 600.0
"""By so much a platform's clock may be off ours, as it allows a call's timestamp; what it counts may begin anew later still."""
TURN_AGAIN_SECONDS = 60.0
"""Within these, a spent day is asked for again after so long."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the error envelope of a reply says. `link` is where to authorise, when it names a place."""

    code: str
    sub_code: str = ""
    text: str = ""
    request_id: str = ""
    link: str = ""

    @property
    def codes(self) -> Codes:
        return Codes(code=self.code, sub_code=self.sub_code, request_id=self.request_id)


@dataclass(frozen=True, slots=True)
class Whom:
    """Whose call it was, by the names of the accounts file; "*" where a reply is read without knowing the account."""

    gateway: str
    account: str = "*"
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def clear(self, text: str) -> str:
        """The text, should it quote one of our secrets, without it."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text[:LONGEST_TEXT]


Fault = Callable[[Said, Whom], PlatformError]


@dataclass(frozen=True, slots=True)
class Table:
    """One platform's codes and what they mean."""

    codes: Mapping[str, Fault]
    sub_codes: Mapping[str, Fault] = field(default_factory=dict)

    def fault(self, said: Said, whom: Whom) -> PlatformError:
        """The error that was meant. Sub codes `isp.*` are the server's fault, `isv.*` the caller's."""
        said = replace(said, text=whom.clear(said.text), link=whom.clear(said.link))
        return self._meaning(said)(said, whom)

    def _meaning(self, said: Said) -> Fault:
        if said.sub_code in self.sub_codes:
            return self.sub_codes[said.sub_code]
        if said.sub_code.startswith("isp."):
            return transient
        if said.code in self.codes:
            return self.codes[said.code]
        return bad_request() if said.sub_code.startswith("isv.") else unknown


def transient(said: Said, _whom: Whom) -> PlatformError:
    return Transient(said.text, **said.codes)


def unknown(said: Said, _whom: Whom) -> PlatformError:
    return MalformedReply(f"a code that the platform's pages do not list; {said.text}", **said.codes)


def bad_request(scope: Scope = "account") -> Fault:
    return lambda said, _whom: BadRequest(said.text, scope=scope, **said.codes)


def unauthorised(scope: Scope, remedy: str) -> Fault:
    """Someone has to act: `remedy` may name {gateway}, {account} and {link}."""

    def fault(said: Said, whom: Whom) -> PlatformError:
        what = remedy.format(gateway=whom.gateway, account=whom.account, link=said.link)
        return Unauthorised(said.text, remedy=what.rstrip(": "), scope=scope, **said.codes)

    return fault


def wrong_time(said: Said, _whom: Whom) -> PlatformError:
    """The timestamp is refused: a clock is off."""
    remedy = "set the clocks of Redis's machine and of this one by NTP: the platform allows 10 minutes"
    return Unauthorised(said.text, remedy=remedy, wrong_time=True, scope="gateway", **said.codes)


def throttled(said: Said, _whom: Whom) -> PlatformError:
    """Too many calls at once: wait as long as the text says, else a second."""
    ban = ban_seconds(said.text)
    return Throttled(said.text, seconds=ban or 1.0, named=ban is not None, **said.codes)


def out_of_quota(scope: Scope) -> Fault:
    """The day's calls are spent: until the ban ends that the text tells of, else until the platform's next day."""

    def fault(said: Said, _whom: Whom) -> PlatformError:
        now = clock.now()
        until = now + (ban_seconds(said.text) or rest_of_day(now))
        return OutOfQuota(said.text, until=until, scope=scope, **said.codes)

    return fault


def rest_of_day(now: float) -> float:
    """How long a spent day lasts, in seconds. One that is spent as it begins is yesterday's, by a clock that is behind ours."""
    left = day_left(now)
    return left if DAY - left > TURNING_SECONDS else TURN_AGAIN_SECONDS


def ban_seconds(text: str) -> float | None:
    """The figure in "This ban will last for 31062 more seconds", which Taobao gives nowhere else; None without one.

    A day at the most: a garbled figure must not stop a gateway for months, and one call a day finds out whether it is true.
    """
    found = re.search(r"last for ([0-9]{1,7}) more second", text)
    return min(max(float(found[1]), 1.0), DAY) if found else None


_REFUSED = unauthorised(
    "gateway", "check gateways.{gateway}.url, and whether the platform lets this machine's address in"
)

STATUSES = Table(
    {str(status): bad_request("gateway") for status in range(400, 500)}
    | {"401": _REFUSED, "403": _REFUSED, "407": _REFUSED}
)
"""What HTTP itself refuses, which is rare, as the platforms put their errors into the body."""


def usable(answer: HttpReply, explain: Callable[[bytes], object], statuses: Table, whom: Whom) -> bytes:
    """The whole body of a reply. A refusal raises the error that its body explains, else the one that the status means."""
    if answer.ok:
        if answer.fault is not None:
            raise answer.fault
        return answer.body
    with suppress(MalformedReply):
        explain(answer.body)
    raise statuses.fault(Said(str(answer.status), text=f"refused with HTTP {answer.status}"), whom)
