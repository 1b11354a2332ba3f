"""Taobao's codes and what they mean (developer.alibaba.com, error codes 102707; code 7: its FAQ)."""

from tasks.platforms.errors import PlatformError
from tasks.platforms.faults import Said, Table, Whom, bad_request, out_of_quota, throttled, transient, unauthorised

SESSION = "let the seller authorise the app again, and renew accounts.{account}.session"
APP_KEY = "check gateways.{gateway}.app_key"
SIGNATURE = "check gateways.{gateway}.app_secret and gateways.{gateway}.sign_method"
CLOCK = "set this machine's clock right: the platform allows 10 minutes"
PERMISSION = "apply in Taobao's console for the permission, for the app of gateways.{gateway}"
SECURITY = "raise the security level of the app of gateways.{gateway}, or renew accounts.{account}.session"


def _remote(said: Said, whom: Whom) -> PlatformError:
    """A remote service error: the sub code `isv.*` blames the caller, all others may pass."""
    return (bad_request() if said.sub_code.startswith("isv.") else transient)(said, whom)


TABLE = Table(
    codes={str(code): bad_request() for code in range(500, 1000)}  # legacy business codes
    | {
        "3": bad_request(),  # upload failed
        "4": out_of_quota("account"),  # the user's calls
        "5": out_of_quota("account"),  # the session's calls
        "6": out_of_quota("gateway"),  # the partner's calls
        "7": throttled,  # the app's calls: the sub codes below say which
        "8": throttled,
        "9": bad_request("gateway"),  # HTTP verb
        "10": transient,
        "11": unauthorised("gateway", PERMISSION),
        "12": unauthorised("account", SESSION),
        "13": unauthorised("gateway", PERMISSION),
        "15": _remote,
        "21": bad_request("gateway"),  # method missing
        "22": bad_request("gateway"),  # method invalid
        "23": bad_request("gateway"),  # format invalid
        "24": unauthorised("gateway", SIGNATURE),
        "25": unauthorised("gateway", SIGNATURE),
        "26": unauthorised("account", SESSION),
        "27": unauthorised("account", SESSION),
        "28": unauthorised("gateway", APP_KEY),
        "29": unauthorised("gateway", APP_KEY),
        "30": unauthorised("gateway", CLOCK),
        "31": unauthorised("gateway", CLOCK),
        "32": bad_request("gateway"),  # version missing
        "33": bad_request("gateway"),  # version invalid
        "34": bad_request("gateway"),  # version not supported
        "40": bad_request(),  # argument missing
        "41": bad_request(),  # argument invalid
        "42": bad_request(),  # forbidden request
        "43": bad_request(),  # parameter error
        "50": _remote,
        "53": unauthorised("account", SECURITY),
    },
    sub_codes={
        "accesscontrol.limited-by-app-access-count": out_of_quota("gateway"),
        "accesscontrol.limited-by-api-access-count": throttled,
        "accesscontrol.limited-by-app-api-access-count": throttled,
        "accesscontrol.limited-by-dynamic-access-count": throttled,
        "isp.call-limited": throttled,
        "invalid-sessionkey": unauthorised("account", SESSION),
        "sessionkey-not-generated-by-server": unauthorised("account", SESSION),
    },
)
