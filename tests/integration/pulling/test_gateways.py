"""What a beat says of the gateways, for those who read Redis only."""

import time

from tasks.commands.web import gauges
from tasks.pulling import gateways
from tasks.rules.circuit_breaker import Pause
from tasks.runtime import Stores


def test_accounts_that_a_person_has_paused_are_not_active_ones(tidings: Stores) -> None:
    now = time.time()
    tidings.pauses.put("account", "shop", Pause(now + 600, "moving", by_hand=True), now=now)
    tidings.pauses.put("account", "vshop", Pause(now + 600, "refused", "renew it", 1, "f"), now=now)
    tidings.pauses.put("account", "gone", Pause(now + 600, "moving", by_hand=True), now=now)
    gateways.tell()
    found = gauges.read(tidings)
    assert (found.accounts, found.active) == ({"tb": 1, "vv": 1}, {"tb": 0, "vv": 1})
