"""Accounts files that fit the sandbox as it starts."""

import json
from collections.abc import Mapping

HEAD = "# accounts.toml for this sandbox. Its keys, secrets and tokens are invented: literals are fine here, and only here.\n\n"
EXPORT = "export TB_SECRET=helloworld QM_SECRET=helloworld VV_TOKEN=test-token SHOP1_SESSION=test-session"
"""What accounts.example.toml needs from the environment to work with the sandbox's apps."""

PATHS = {"taobao": "/router/rest", "qianmi": "/api", "vvtool": "/tool/erps/tbconsume"}
PORT = 8800
"""Where a sandbox listens unless it is told otherwise."""

OFTEN = {"min": 1, "max": 5}
"""Seconds between polls: who publishes a message by hand wants to see what becomes of it."""

LEAST_LEASE = 5
"""The shortest lease that an accounts file takes, in seconds."""


def accounts_file(url: str, *, taobao: float, qianmi: float) -> str:
    """TOML text with a gateway and an account for each platform; the leases are in seconds."""
    secret, token, lease = "helloworld", "test-token", max(qianmi, LEAST_LEASE)
    return (
        HEAD
        + gateway("taobao", url, app_key="12345678", app_secret=secret, lease_seconds=max(taobao, LEAST_LEASE))
        + gateway("qianmi", url, app_key="10000001", app_secret=secret, access_token=token, lease_seconds=lease)
        + gateway("vvtool", url, token=token, calls_per_second=10)
        + account("shop-1", "taobao", session="test-session", poll=OFTEN)
        + account("shop-2", "qianmi", poll=OFTEN)
        + account("shop-3", "vvtool", shop_id="123", poll=OFTEN)
    )


def guide(port: int) -> str:
    """What a sandbox that was just started tells below its accounts file: how to go on, with the port where one is needed."""
    there = "" if port == PORT else f" --port {port}"
    return f"""
# This file again: celery -A tasks sandbox accounts{there} > accounts.toml
# Messages: celery -A tasks sandbox publish taobao_trade_TradeBuyerPay --count 3{there}
# accounts.example.toml will do too, with the comment off its three lines that say "sandbox":
#   {EXPORT}
"""


def gateway(platform: str, url: str, **members: object) -> str:
    """The TOML table of a platform's gateway in the sandbox at that address, named for the platform."""
    return _table(f"gateways.{platform}", {"platform": platform, "url": url + PATHS[platform], **members})


def account(name: str, platform: str, **members: object) -> str:
    """The TOML table of an account behind that gateway."""
    return _table(f"accounts.{name}", {"gateway": platform, **members})


def _table(name: str, members: Mapping[str, object]) -> str:
    return "\n".join([f"[{name}]", *(f"{key} = {_value(value)}" for key, value in members.items()), "\n"])


def _value(value: object) -> str:
    """Texts and numbers are the same in TOML as in JSON."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_value(each)}' for key, each in value.items())} }}"
    return json.dumps(value)
