"""Everything that a call to a platform can end in besides a reply, as one tree.

    PlatformError
    ├── Transient        try again soon; nothing is wrong with the request
    ├── Throttled        too many calls in a moment: wait `seconds`
    ├── OutOfQuota       today's calls or points are spent: wait until `until`
    ├── Unauthorised     `whom` has to act; `remedy` says how
    ├── BadRequest       the request is wrong and will stay wrong
    └── MalformedReply   what came back is not what the platform promises

Which code means which is a table in each platform's module, looked up by sub code first, then by code, never by text.
"""

from typing import Literal

Scope = Literal["account", "gateway"]


class PlatformError(Exception):
    """A call that brought no usable reply.

    `code` and `sub_code` are the platform's own, as text ("" when it gave none); `text` is its message, passed through.
    `scope` tells who is concerned: one account, or every account of the gateway.
    """

    scope: Scope = "account"

    def __init__(
        self, text: str, *, code: str = "", sub_code: str = "", request_id: str = "", scope: Scope | None = None
    ) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.sub_code = sub_code
        self.request_id = request_id
        if scope is not None:
            self.scope = scope

    def __str__(self) -> str:
        said = " ".join(part for part in (self.code, self.sub_code) if part)
        return f"{said}: {self.text}" if said else self.text


class Transient(PlatformError):
    """The platform or the way to it failed; the same call may go through in a moment."""


class Throttled(PlatformError):
    """Too many calls just now. `seconds` is the wait that the platform named, or our own guess."""

    scope: Scope = "gateway"

    def __init__(
        self,
        text: str,
        *,
        seconds: float,
        code: str = "",
        sub_code: str = "",
        request_id: str = "",
        scope: Scope | None = None,
    ) -> None:
        super().__init__(text, code=code, sub_code=sub_code, request_id=request_id, scope=scope)
        self.seconds = seconds


class OutOfQuota(PlatformError):
    """The day's calls or points are spent. `until` is when they come back, in seconds since the epoch."""

    scope: Scope = "gateway"

    def __init__(
        self,
        text: str,
        *,
        until: float,
        code: str = "",
        sub_code: str = "",
        request_id: str = "",
        scope: Scope | None = None,
    ) -> None:
        super().__init__(text, code=code, sub_code=sub_code, request_id=request_id, scope=scope)
        self.until = until


class Unauthorised(PlatformError):
    """Someone has to act before this works again: `scope` says whether one account or the gateway, `remedy` says how."""

    def __init__(
        self,
        text: str,
        *,
        remedy: str,
        code: str = "",
        sub_code: str = "",
        request_id: str = "",
        scope: Scope | None = None,
    ) -> None:
        super().__init__(text, code=code, sub_code=sub_code, request_id=request_id, scope=scope)
        self.remedy = remedy


class BadRequest(PlatformError):
    """The platform refuses the arguments; sending the same again changes nothing."""


class MalformedReply(PlatformError):
    """The reply is not what the platform's pages promise: no JSON, another shape, an unknown code."""
