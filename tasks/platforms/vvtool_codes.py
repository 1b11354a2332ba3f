"""vv-tool's codes and what they mean (its tbconsume page; 303, 501 and 614 from public clients)."""

from tasks.platforms.faults import Table, bad_request, throttled, transient, unauthorised
from tasks.platforms.refusals import STATUSES

ACCESS = "renew gateways.{gateway}.token: it is bound to the address that asked for it, and a newer one ends it"
PERMISSION_OR_CALLS = (
    "at vv-tool, for the token of gateways.{gateway}, either get this API permitted or buy calls: one code means both"
)
AUTHORISE = "let the shop of accounts.{account} authorise the app again: {link}"
ORDER = "let the shop of accounts.{account} order the app, or set its edition to the one that it ordered"

TABLE = Table(
    {
        "100": bad_request(),  # parameter
        "101": transient,  # timed out
        "103": bad_request(),  # no such wangwang account
        "200": transient,
        "202": throttled,  # "try later"; more than 10 calls a second end in this one, too
        "203": bad_request(),  # interface not supported
        "204": unauthorised("gateway", PERMISSION_OR_CALLS),
        "302": unauthorised("account", AUTHORISE),
        "303": unauthorised("account", ORDER),
        "401": unauthorised("gateway", ACCESS),
        "404": bad_request("gateway"),  # path or verb
        "501": unauthorised("account", ORDER),
        "614": unauthorised("account", ORDER),
    }
)

HTTP_TABLE = Table({**STATUSES.codes, "401": TABLE.codes["401"], "404": TABLE.codes["404"]})
"""The HTTP statuses that repeat a code."""
