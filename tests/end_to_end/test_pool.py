"""The pool's bundles in a real worker: one message among quick ones of its topic that is not quick at all, or does not end."""

from collections import Counter
from pathlib import Path

import pytest
from redis import Redis

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
poll = { min = 0.1, max = 0.2 }
"""

BAD = (
    HANDLERS
    + """
import signal

tried = set()
leaked = []

@handles("t")
def on_t(content: dict, message: Message) -> None:
    bad = content.get("bad")
    if bad:
        note(message, "began")
    if bad == "raises":
        raise ValueError("no")
    if bad == "retries" and message.id not in tried:
        tried.add(message.id)
        raise Retry(0.3)
    if bad == "rejects":
        raise Reject("unwanted")
    if bad == "exits":
        os._exit(9)
    if bad == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    while bad == "leaks":
        leaked.append(os.open(os.devnull, os.O_RDONLY))
    if bad == "is slow":
        time.sleep(2)
    while bad == "is held" and not os.path.exists(JOURNAL + ".go"):
        time.sleep(0.05)
    while bad == "hangs":
        try:
            time.sleep(1000)
        except BaseException:
            pass
    note(message, "handled")
"""
)

QUICK = 200
"""Messages that show the worker how quick their topic is."""


def publish(installation: Installation, number: int, **bad: str) -> list[str]:
    """Messages of one topic; the one in the middle is as told."""
    contents: list[dict[str, object]] = [{"n": n} for n in range(number)]
    contents[number // 2] |= bad
    return installation.control.publish("taobao", [{"topic": "t", "content": content} for content in contents])


def confirmed(installation: Installation) -> set[str]:
    return {message["id"] for message in installation.control.ledger() if message["confirmed"]}


@pytest.fixture
def warm(installation: Installation, request: pytest.FixtureRequest) -> Installation:
    """An installation whose worker knows the topic as a quick one; a test may give it other handlers."""
    installation.configure(ACCOUNTS, getattr(request, "param", BAD))
    installation.env |= {"TIDINGS_HANDLER_SECONDS": "3", "TIDINGS_MAX_DELIVERIES": "9"}
    publish(installation, QUICK)
    installation.worker()
    installation.beat()
    installation.until(lambda: len(confirmed(installation)) == QUICK, 40, "the first are confirmed")
    return installation


@pytest.mark.parametrize("bad", ["raises", "retries", "rejects", "exits", "is killed", "is slow", "hangs"])
def test_one_bad_message_costs_itself_only(warm: Installation, redis: Redis, bad: str) -> None:
    ids = publish(warm, 100, bad=bad)
    (own,) = ids[50:51]
    others = set(ids) - {own}
    warm.until(lambda: others <= confirmed(warm), 25, "the others are confirmed before the broker gives them out again")
    if bad in {"retries", "rejects", "is slow"}:
        warm.until(lambda: own in confirmed(warm), 20, "and this one")
        warm.until(lambda: not redis.hlen("tidings:unacked"), 5, "every task is acknowledged")
    ledger = {message["id"]: message for message in warm.control.ledger()}
    assert {id_ for id_ in others if len(ledger[id_]["deliveries"]) > 1} == set(), "within the lease"
    counts = Counter(line[4] for line in warm.handled())
    assert {id_ for id_, times in counts.items() if times > 1} == set(), "also by a process that is killed afterwards"
    assert counts[own] == (bad in {"retries", "is slow"})
    began = [line[5] for line in warm.handled("began") if line[4] == own]
    assert len(began) >= 1 + (bad == "retries")


PATIENT = BAD.replace('@handles("t")', '@handles("t", timeout=24)')


@pytest.mark.parametrize("warm", [PATIENT], indirect=True, ids=["held"])
def test_what_waits_behind_a_slow_message_is_no_more_than_its_bundle(warm: Installation) -> None:
    ids = publish(warm, 300, bad="is held")
    warm.until(lambda: warm.handled("began"), 20, "it runs")

    def waiting() -> set[str]:
        return set(ids) - {line[4] for line in warm.handled()}

    warm.until(lambda: len(waiting()) <= 20, 20, "the others go on in the other processes")
    assert ids[150] in waiting()
    (warm.home / "journal.go").touch()
    warm.until(lambda: set(ids) <= confirmed(warm), 40, "all are confirmed")


def test_a_process_that_may_open_no_more_files_is_replaced(warm: Installation) -> None:
    """Else whatever opens one would fail in it from then on."""
    (leak,) = publish(warm, 1, bad="leaks")
    warm.until(lambda: "files_leaked" in warm.log("worker").read_text(), 25, "its end is told")
    (pid,) = {line[6] for line in warm.handled("began") if line[4] == leak}
    warm.until(lambda: not Path(f"/proc/{pid}").exists(), 10, "it has ended")
    ids = publish(warm, 100)
    warm.until(lambda: set(ids) <= confirmed(warm), 25, "all are handled")
    assert not [
        line for line in warm.log("worker").read_text().splitlines() if "try_failed" in line and leak not in line
    ]


def test_quick_messages_are_claimed_together(warm: Installation, redis: Redis) -> None:
    """Counted in commands: a message that is held with others, and then begun and marked, takes one more."""
    before = commands(redis)["set"]
    ids = publish(warm, 300)
    warm.until(lambda: set(ids) <= confirmed(warm), 40, "all are confirmed")
    assert commands(redis)["set"] - before > 2 * 300 + 50


def commands(redis: Redis) -> dict[str, int]:
    """How often Redis has run each command."""
    return {name.removeprefix("cmdstat_"): int(how["calls"]) for name, how in redis.info("commandstats").items()}
