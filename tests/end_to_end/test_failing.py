"""A handler that fails, as an operator sees it: in `status` within seconds, by its place, and nothing of a message in a log."""

from tests.end_to_end.installation import HANDLERS, Installation
from tests.end_to_end.test_letters import ACCOUNTS, TOPIC, rows

BUYER = "Zhang San 13800000000"
BROKEN = HANDLERS + "    from fractions import Fraction\n    Fraction(content['note'])\n"
LINE = len(BROKEN.splitlines())
PLACE = f"called at shop_handlers.py:{LINE} in on_any"


def test_a_failing_handler_shows_in_status_at_once_and_says_nothing_of_a_message_in_a_log(
    installation: Installation,
) -> None:
    installation.env["TIDINGS_MAX_DELIVERIES"] = "1"
    installation.configure(ACCOUNTS.replace("lease_seconds = 20", "lease_seconds = 8"), BROKEN)
    installation.worker()
    installation.beat()
    installation.until(installation.control.calls, 60, "nobody is polled")
    installation.until(lambda: installation.run("status").returncode == 0, 60, "nothing to do while nothing comes")

    messages: list[dict[str, object]] = [{"topic": TOPIC, "content": {"note": f"{BUYER} {n}"}} for n in range(3)]
    installation.control.publish("taobao", messages)
    worker = installation.log("worker")
    installation.until(lambda: PLACE in worker.read_text(), 60, "the log does not name the place")
    done = installation.run("status")
    assert done.returncode == 1
    (failing,) = (line for line in done.stdout.splitlines() if line.startswith(f"! {TOPIC}: "))
    assert "tries failed" in failing
    assert "for shop-1: ValueError at fractions.py:" in failing
    assert failing.endswith(PLACE)
    (listed,) = rows(installation, "accounts", "list")
    assert listed["today"]["failed_tries"] >= 1

    installation.until(lambda: worker.read_text().count("is buried as letter") == 3, 60, "no letters")
    assert "! 3 dead letters to look at" in installation.run("status").stdout
    (group,) = rows(installation, "letters", "list", "--groups")
    assert (group["letters"], group["topic"]) == (3, TOPIC)
    assert group["reason"].startswith("failed in * deliveries, at last with ValueError* (at fractions.py:")
    letters = rows(installation, "letters", "list")
    assert all(f"ValueError: Invalid literal for Fraction: '{BUYER}" in letter["reason"] for letter in letters)
    assert BUYER not in installation.logs()


def test_a_worker_that_pulls_and_nobody_who_handles_is_named(installation: Installation) -> None:
    installation.configure(ACCOUNTS)
    installation.worker("puller", "-Q", "consume,confirm", "-P", "threads")
    installation.beat()
    installation.until(installation.control.calls, 60, "nobody is polled")
    told = "! no worker takes what waits in the queue handle: start one with `celery -A tasks worker -Q handle`"
    installation.until(lambda: told in installation.run("status").stdout, 60, "nobody says that none handles")
