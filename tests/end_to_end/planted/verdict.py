"""What of the planted stands where it must not."""

import json

from tests.end_to_end.planted.needles import Needles
from tests.end_to_end.planted.shop import BUYERS, SECRETS, may_hold_buyers
from tests.end_to_end.planted.stage import Written
from tests.integration.addresses.servers import PASSWORD

LETTERS = ("web /letters",)
"""Pages that show what letters say, which may be what a handler's error said."""


def hits(written: Written) -> list[str]:
    """Where something stands that must not, and how it is written there."""
    secrets, buyers = Needles({**SECRETS, "Redis's password": PASSWORD}), Needles(BUYERS)
    everywhere = [*written.logs.items(), *written.pages.items(), *written.told.items(), ("traces", written.traces)]
    found = secrets.in_values([*everywhere, *written.redis.items()])
    public = [each for each in everywhere if each[0] not in LETTERS]
    found += buyers.in_values(public)
    return found + buyers.in_values([each for each in written.redis.items() if not may_hold_buyers(each[0])])


def looked(written: Written) -> list[str]:
    """What would make the search worthless: places that were not reached, or buyers that are nowhere."""
    buyers = Needles(BUYERS)
    missing = [name for name in ("worker.log", "beat.log", "web.log", "flower.log") if name not in written.logs]
    missing += [] if buyers.found(written.redis.get("tidings:letters", b"")) else ["no buyer in tidings:letters"]
    missing += [] if buyers.found(written.redis.get("planted-stream", b"")) else ["no buyer in the stream"]
    missing += [] if written.traces else ["no traces"]
    for word in (b"try_failed", b"pull_failed", b"confirm_failed", b"letter_buried", b"batch_confirmed"):
        missing += [] if word in written.logs["worker.log"] else [f"no {word.decode()} in worker.log"]
    return missing


def no_json(written: Written) -> list[str]:
    """Lines of logs that are no JSON object with an event."""
    wrong = []
    for name in ("worker.log", "beat.log", "web.log"):
        for line in written.logs[name].splitlines():
            try:
                json.loads(line)["event"]
            except (ValueError, KeyError, TypeError):
                wrong.append(f"{name}: {line!r}")
    return wrong
