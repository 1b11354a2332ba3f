"""Machines whose clocks disagree with Redis's, and one that is set while everything runs."""

import os
import re
from collections import Counter
from pathlib import Path

from tests.end_to_end.installation import Installation

SHIM = """
import os, time
import time_machine
traveller = time_machine.travel(0).start()
traveller.move_to(time_machine.escape_hatch.time.time() + float(os.environ["OFF"]))
time.time()  # with the first look at it, it begins to tick
"""
"""Imported by every Python before anything else: to this process, the machine's clock is OFF seconds wrong."""

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 30
[accounts.shop]
gateway = "tb"
poll = { min = 0.2, max = 0.5 }
"""

HANDLERS = """
import json, os, time
from handlers import Message, Retry, handles

def note(message, what):
    line = json.dumps([what, message.platform, message.account, message.topic, message.id, time.monotonic(), os.getpid()])
    fd = os.open(os.environ["JOURNAL"], os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(fd, line.encode() + b"\\n")
    os.close(fd)

TRIED = set()

@handles("again")
def again(content: dict, message: Message) -> None:
    path = os.environ["JOURNAL"] + message.id
    if not os.path.exists(path):
        open(path, "w").close()
        note(message, "tried")
        raise Retry(delay=float(content["delay"]))
    note(message, "handled")

@handles("slow")
def slow(content: dict, message: Message) -> None:
    note(message, "begun")
    time.sleep(3)
    note(message, "handled")

@handles("*")
def on_any(content: dict, message: Message) -> None:
    note(message, "handled")
"""


def machine(installation: Installation, tmp_path: Path, off: float) -> None:
    """What is started from now on runs on a machine whose clock is off by so many seconds."""
    (tmp_path / "shim").mkdir(exist_ok=True)
    (tmp_path / "shim" / "sitecustomize.py").write_text(SHIM)
    installation.env["OFF"] = str(off)
    path = [str(tmp_path / "shim"), str(installation.home), os.environ.get("PYTHONPATH", "")]
    installation.env["PYTHONPATH"] = os.pathsep.join(filter(None, path))


def test_whatever_the_clocks_say_nothing_is_dropped_done_twice_or_late(
    installation: Installation, tmp_path: Path
) -> None:
    installation.configure(ACCOUNTS, HANDLERS)
    for name, off, queues in (
        ("puller", 25, "consume,confirm"),
        ("handler", -120, "handle"),
        ("helper", 300, "handle,confirm"),
    ):
        machine(installation, tmp_path, off)
        installation.worker(name, "-Q", queues)
    machine(installation, tmp_path, -40)
    installation.beat()
    topics = ["slow"] * 3 + ["again"] * 6 + ["t"] * 40
    messages = [{"topic": topic, "content": {"delay": 1 + n % 2 * 2}} for n, topic in enumerate(topics)]
    installation.control.publish("taobao", messages)
    installation.until(
        lambda: (ledger := installation.control.ledger()) and all(each["confirmed"] for each in ledger),
        60,
        "all are confirmed",
    )
    assert set(Counter(line[4] for line in installation.handled()).values()) == {1}
    assert set(Counter(line[4] for line in installation.handled("begun")).values()) == {1}
    assert all(len(each["deliveries"]) == 1 for each in installation.control.ledger()), "within the first lease"
    tried, handled = ({line[4]: line[5] for line in installation.handled(what)} for what in ("tried", "handled"))
    waits = [handled[id_] - at for id_, at in tried.items()]
    assert len(waits) == 6
    assert 0.9 < min(waits) <= max(waits) < 15, waits

    def said() -> set[int]:
        found = re.findall(r"(\d+) s (ahead|behind)", installation.logs())
        return {int(s) * (1 if way == "ahead" else -1) for s, way in found}

    offs = 25, -120, 300, -40  # on a busy machine it is looked at a moment late
    installation.until(
        lambda: all(any(abs(off - each) <= 3 for each in said()) for off in offs), 10, "each has said how far it is off"
    )
