"""Qianmi's codes and what they mean (the error table of the open-source ROP framework, which its gateway runs on)."""

from tasks.platforms.faults import Table, bad_request, out_of_quota, throttled, transient, unauthorised

PERMISSION = "ask open.qianmi.com to permit the app of gateways.{gateway} this API"
USER_PERMISSION = "let the seller of accounts.{account} permit the app this API"
ACCESS = "renew gateways.{gateway}.access_token"
APP_KEY = "check gateways.{gateway}.app_key"
SIGNATURE = "check gateways.{gateway}.app_secret and this machine's clock"
CLOCK = "set this machine's clock right: the platform allows 10 minutes"

TABLE = Table(
    codes={
        "1": transient,  # service unavailable or timed out
        "2": unauthorised("gateway", PERMISSION),
        "3": unauthorised("account", USER_PERMISSION),
        "4": bad_request(),  # upload failed
        "5": bad_request("gateway"),  # HTTP verb
        "6": bad_request("gateway"),  # encoding
        "7": transient,  # forbidden, as the platform is overloaded
        "8": bad_request("gateway"),  # method obsolete
        "9": bad_request(),  # business error
        "20": unauthorised("account", ACCESS),
        "21": unauthorised("account", ACCESS),
        "22": unauthorised("gateway", APP_KEY),
        "23": unauthorised("gateway", APP_KEY),
        "24": unauthorised("gateway", SIGNATURE),
        "25": unauthorised("gateway", SIGNATURE),
        "26": bad_request("gateway"),  # method missing
        "27": bad_request("gateway"),  # method unknown
        "28": bad_request("gateway"),  # version missing
        "29": bad_request("gateway"),  # no such version
        "30": bad_request("gateway"),  # version not supported
        "31": bad_request("gateway"),  # format
        "32": bad_request(),  # parameter missing
        "33": bad_request(),  # parameter invalid
        "34": out_of_quota("account"),  # the user's calls
        "35": out_of_quota("account"),  # the session's calls
        "36": out_of_quota("gateway"),  # the app's calls
        "37": throttled,
        "40": bad_request(),  # from here on the vendor's own client, never the server
        "41": bad_request(),
    },
    sub_codes={
        "isv.invalid-paramete:timestamp": unauthorised("gateway", CLOCK),  # spelled so
    },
)
