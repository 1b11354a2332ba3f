"""A worker that is told to stop: what runs is finished, the rest is handed back, and a rolling restart loses nothing."""

import time
from collections import Counter

import pytest

from tests.end_to_end.installation import HANDLERS, Installation

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 60
[accounts.shop]
gateway = "tb"
poll = { min = 0.2, max = 0.5 }
"""
SLOW = HANDLERS.replace('    note(message, "handled")', '    time.sleep(0.5)\n    note(message, "handled")')


@pytest.mark.parametrize("remap", ["SIGQUIT", ""])
def test_a_rolling_restart_handles_everything_once_within_one_lease(installation: Installation, remap: str) -> None:
    installation.configure(ACCOUNTS, SLOW)
    if remap:
        installation.env["REMAP_SIGTERM"] = remap
    ids = installation.control.publish("taobao", [{"topic": "t", "content": {"n": n}} for n in range(60)])
    old = installation.worker("old")
    installation.beat()
    installation.until(lambda: len(installation.handled()) >= 6, 40, "the work has begun")
    installation.worker("new")
    began = time.monotonic()
    old.terminate()
    installation.until(lambda: old.poll() is not None, 20, "the old worker ends")
    assert time.monotonic() - began < 15
    installation.until(lambda: all(m["confirmed"] for m in installation.control.ledger()), 60, "all are confirmed")
    assert Counter(line[4] for line in installation.handled()) == Counter(ids)
    assert all(len(message["deliveries"]) == 1 for message in installation.control.ledger())
