"""Everything that a call to a platform can end in besides a reply, as one tree.

    PlatformError
    ├── Transient        try again soon; nothing is wrong with the request
    │   ├── Declined     a confirm was answered with false, and nobody says why
    │   └── Unavailable  the platform is away and says for how long: wait `seconds`
    ├── Throttled        too many calls in a moment: wait `seconds`
    ├── OutOfQuota       today's calls or points are spent: wait until `until`
    ├── Unauthorised     `whom` has to act; `remedy` says how
    ├── BadRequest       the request is wrong and will stay wrong
    └── MalformedReply   what came back is not what the platform promises

Which code means which is a table in each platform's module, looked up by sub code first, then by code, never by text.
"""

from typing import Literal, TypedDict, Unpack

Scope = Literal["account", "gateway"]


class Codes(TypedDict, total=False):
    """What a platform said besides its text: its own codes, as text."""

    code: str
    sub_code: str
    request_id: str


class Details(Codes, total=False):
    """The same, and whom the error concerns."""

    scope: Scope


class PlatformError(Exception):
    """A call that brought no usable reply.

    `text` is the platform's message, passed through; `code` and `sub_code` are "" when it gave none. `scope` tells who is
    concerned: one account, or every account of the gateway.
    """

    scope: Scope = "account"

    def __init__(self, text: str, **said: Unpack[Details]) -> None:
        super().__init__(text)
        self.text = text
        self.code = said.get("code", "")
        self.sub_code = said.get("sub_code", "")
        self.request_id = said.get("request_id", "")
        self.scope = said.get("scope", self.scope)

    def __str__(self) -> str:
        told = " ".join(part for part in (self.code, self.sub_code) if part)
        return f"{told}: {self.text}" if told else self.text


class Transient(PlatformError):
    """The platform or the way to it failed; the same call may go through in a moment."""


class Declined(Transient):
    """A confirm was answered with false: the platform failed, or does not know one of the ids."""


class Unavailable(Transient):
    """The platform serves nobody for the next `seconds`, by its own word. What became of the call is not known."""

    scope: Scope = "gateway"

    def __init__(self, text: str, *, seconds: float, **said: Unpack[Details]) -> None:
        super().__init__(text, **said)
        self.seconds = seconds


class Throttled(PlatformError):
    """Too many calls just now. `seconds` is the wait that the platform `named`, else our own guess for the first time."""

    scope: Scope = "gateway"

    def __init__(self, text: str, *, seconds: float, named: bool = True, **said: Unpack[Details]) -> None:
        super().__init__(text, **said)
        self.seconds = seconds
        self.named = named


class OutOfQuota(PlatformError):
    """The day's calls or points are spent. `until` is when they come back, in seconds since the epoch."""

    scope: Scope = "gateway"

    def __init__(self, text: str, *, until: float, **said: Unpack[Details]) -> None:
        super().__init__(text, **said)
        self.until = until


class Unauthorised(PlatformError):
    """Someone has to act before this works again: `scope` says whether one account or the gateway, `remedy` says how.

    `wrong_time` tells that the call's timestamp is too far from the platform's own time.
    """

    def __init__(self, text: str, *, remedy: str, wrong_time: bool = False, **said: Unpack[Details]) -> None:
        super().__init__(text, **said)
        self.remedy = remedy
        self.wrong_time = wrong_time


class BadRequest(PlatformError):
    """The platform refuses the arguments; sending the same again changes nothing."""


class MalformedReply(PlatformError):
    """The reply is not what the platform's pages promise: no JSON, another shape, an unknown code."""
