"""Dead letters that are replayed by themselves, by two beats, once what their handler needs is back."""

from collections import Counter
from pathlib import Path

from redis import Redis

from tests.end_to_end.installation import HANDLERS, Installation
from tests.end_to_end.test_main_job import TOPIC

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 5
[accounts.shop]
gateway = "tb"
poll = { min = 0.2, max = 1 }
"""
AWAY = '    if not os.path.exists(JOURNAL + ".back"):\n        raise ConnectionError\n    note(message, "handled")'
COUNT = 20


def test_letters_leave_by_themselves_once_what_their_handler_needs_is_back(
    installation: Installation, redis: Redis
) -> None:
    installation.env |= {"TIDINGS_REDRIVE": "1s,10s,20s,40s,80s,160s", "TIDINGS_MAX_DELIVERIES": "1"}
    installation.configure(ACCOUNTS, HANDLERS.replace('    note(message, "handled")', AWAY))
    messages = [{"topic": TOPIC, "content": {"tid": number}} for number in range(COUNT)]
    installation.control.publish(platform="taobao", messages=messages)
    installation.worker()
    for name in ("beat-1", "beat-2"):
        installation.beat(name)
    installation.until(lambda: redis.hlen("tidings:letters") == COUNT, 60, "all are buried")
    installation.until(lambda: redis.zcard("tidings:letters:redriven:0") < COUNT, 30, "the first redrive")
    assert installation.handled() == []
    Path(f"{installation.journal}.back").touch()
    installation.until(lambda: not redis.hlen("tidings:letters"), 90, "all letters have left")
    assert set(Counter(line[4] for line in installation.handled()).values()) == {1}
    assert len(installation.handled()) == COUNT
