"""What HTTP itself refuses: statuses 400 to 499, which are rare, as the platforms put their errors into the body."""

from collections.abc import Callable
from contextlib import suppress

from tasks.platforms.errors import MalformedReply
from tasks.platforms.faults import Said, Table, Whom, bad_request, unauthorised
from tasks.platforms.http import Answer

_REFUSED = unauthorised(
    "gateway", "check gateways.{gateway}.url, and whether the platform lets this machine's address in"
)

STATUSES = Table(
    {str(status): bad_request("gateway") for status in range(400, 500)}
    | {"401": _REFUSED, "403": _REFUSED, "407": _REFUSED}
)


def usable(answer: Answer, explain: Callable[[bytes], object], statuses: Table, whom: Whom) -> bytes:
    """The whole body of a reply. A refusal raises the error that its body explains, else the one that the status means."""
    if answer.ok:
        if answer.fault is not None:
            raise answer.fault
        return answer.body
    with suppress(MalformedReply):
        explain(answer.body)
    raise statuses.fault(Said(str(answer.status), text=f"refused with HTTP {answer.status}"), whom)
