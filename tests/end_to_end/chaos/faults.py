"""What the platforms do wrong: a tenth of the calls of each kind fails, in every way that the sandbox knows."""

from collections.abc import Iterator, Sequence
from typing import Any

from tasks.sandbox.control import Control
from tests.end_to_end.chaos.plan import Plan

SHARE = 0.1
"""Of the calls of each platform and kind, split among the ways."""

READ_SECONDS = 2.0
"""How long the workers wait for a reply."""

Way = tuple[str, dict[str, Any]]

INSTEAD: Sequence[Way] = (
    ("http", {"status": 503}),
    ("http", {"status": 429}),
    ("cut", {}),
    ("garbage", {"form": "html"}),
    ("garbage", {"form": "bytes"}),
    ("ban", {"seconds": 1}),
)
"""The call has no effect."""

LATE: Sequence[Way] = (("slow", {"seconds": 0.3}),)
LOST_REPLY: Sequence[Way] = (
    ("cut_after", {}),
    ("slow", {"seconds": READ_SECONDS + 1}),
    ("garbage", {"form": "truncated"}),
)
"""The call has its effect and nobody hears of it. Never on vvtool: its pull takes messages for ever, and what its reply
does not bring is lost by the platform's nature, whoever calls."""

ITEMS: Sequence[Way] = (("duplicate", {}), ("reorder", {}), ("wrong_types", {}), ("undecodable", {}))
ERRORS: dict[str, Way] = {
    "taobao": ("error", {"code": "15", "sub_code": "isp.remote-service-error"}),
    "qianmi": ("error", {"code": "1"}),
    "vvtool": ("error", {"code": "200"}),
}

WAYS: dict[tuple[str, str], Sequence[Way]] = {
    ("taobao", "consume"): (*INSTEAD, *LATE, *LOST_REPLY, *ITEMS, ("raw_control_chars", {}), ERRORS["taobao"]),
    ("taobao", "confirm"): (*INSTEAD, *LATE, *LOST_REPLY, ("ignore_confirm", {}), ERRORS["taobao"]),
    ("qianmi", "consume"): (*INSTEAD, *LATE, *LOST_REPLY, *ITEMS, ERRORS["qianmi"]),
    ("qianmi", "confirm"): (*INSTEAD, *LATE, *LOST_REPLY, ("ignore_confirm", {}), ERRORS["qianmi"]),
    ("vvtool", "consume"): (*INSTEAD, *LATE, *ITEMS, ERRORS["vvtool"]),
}

PAUSES: Sequence[tuple[str, str, dict[str, Any]]] = (
    ("taobao", "expired_session", {"group": "g2", "api": "consume"}),
    ("qianmi", "expired_session", {"group": "A854801", "api": "consume"}),
    ("vvtool", "unauthorised_shop", {"shop_id": "456", "api": "consume"}),
)
"""Once each: the account pauses for a minute."""


def spoil(control: Control, plan: Plan) -> None:
    """Set every fault of the plan."""
    for number, (platform, kind, params) in enumerate(faults(plan)):
        control.fault(platform, kind, seed=plan.seed * 1000 + number, **params)


def faults(plan: Plan) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Platform, kind and parameters of every fault."""
    for (platform, api), ways in WAYS.items():
        for kind, params in ways:
            yield platform, kind, {"api": api, "share": SHARE / len(ways), **params}
    if plan.pauses:
        for platform, kind, params in PAUSES:
            yield platform, kind, {"count": 1, **params}
