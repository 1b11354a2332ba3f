"""A handler that leaves its process unfit for others costs its own message, and not those that the process is handed later."""

import pytest

from tests.end_to_end.installation import HANDLERS, Installation
from tests.end_to_end.test_pool import ACCOUNTS, confirmed

SPOILERS = (
    HANDLERS
    + """
import json
import sys

@handles("spoils_*")
def on_spoils(content: dict, message: Message) -> None:
    spoil(content["how"])
    note(message, "handled")

@handles("slips_*")
async def on_slips(content: dict, message: Message) -> None:
    spoil(content["how"])
    note(message, "handled")

@handles("waits_*")
async def on_waits(content: dict, message: Message) -> None:
    note(message, "handled")

def spoil(how: str) -> None:
    if how == "modules":
        for name in list(sys.modules):
            if name.partition(".")[0] in {"tasks", "celery", "kombu"}:
                del sys.modules[name]
    elif how == "clock":
        import tasks.clock
        tasks.clock.now = None
"""
)


@pytest.mark.parametrize("how", ["modules", "clock"])
@pytest.mark.parametrize("kind", ["spoils", "slips"])
def test_what_follows_in_a_spoilt_process_is_handled_by_another(
    installation: Installation, how: str, kind: str
) -> None:
    installation.configure(ACCOUNTS, SPOILERS)
    installation.env |= {"TIDINGS_WORKER_CONCURRENCY": "1"}
    installation.worker()
    installation.beat()
    follows = {"spoils": "spoils_after", "slips": "waits_after"}[kind]
    (first,) = installation.control.publish("taobao", [{"topic": f"{kind}_all", "content": {"how": how}}])
    installation.until(lambda: first in {line[4] for line in installation.handled()}, 40, "the first is handled")
    later = [
        one
        for _ in range(3)
        for one in installation.control.publish("taobao", [{"topic": follows, "content": {"how": ""}}] * 20)
    ]
    installation.until(
        lambda: len(set(later) & confirmed(installation)) >= len(later) - 2, 40, "the others are confirmed"
    )
