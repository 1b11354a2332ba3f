"""An operator's work, with worker, beat and sandbox running: dead letters replayed, accounts paused and resumed."""

import json
import os
import pty
from typing import Any

from tests.end_to_end.installation import HANDLERS, Installation

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 20

[accounts.shop-1]
gateway = "tb"
poll = { min = 0.2, max = 0.5 }
"""
TOPIC = "taobao_trade_TradeBuyerPay"
BROKEN = HANDLERS + '    raise Reject("no such shop")\n'
MENDED = HANDLERS + '    if content["poison"] == 2:\n        raise Reject("still no such shop")\n'


def rows(installation: Installation, *words: str) -> list[dict[str, Any]]:
    """What a command prints with --json."""
    return [json.loads(line) for line in installation.run(*words, "--json").stdout.splitlines()]


def publish(installation: Installation, *poisons: int) -> list[str]:
    messages: list[dict[str, object]] = [{"topic": TOPIC, "content": {"poison": poison}} for poison in poisons]
    return installation.control.publish("taobao", messages)


def confirmed(installation: Installation) -> int:
    return sum(message["confirmed"] is not None for message in installation.control.ledger())


def test_what_was_buried_is_handled_after_the_handler_is_mended(installation: Installation) -> None:
    installation.configure(ACCOUNTS, BROKEN)
    first, second = publish(installation, 1, 2)
    installation.worker("worker-1")
    installation.beat()
    installation.until(lambda: confirmed(installation) == 2, 40, "both are buried, then confirmed")
    listed = rows(installation, "letters", "list", "--reason", "no such shop")
    assert {row["message_id"] for row in listed} == {first, second}

    installation.kill("worker-1")
    installation.journal.unlink()
    installation.configure(ACCOUNTS, MENDED)
    installation.worker("worker-2")
    leader, follower = pty.openpty()
    replayed = installation.run("letters", "replay", "--topic", TOPIC, "--seconds", "30", stderr=follower)
    shown = os.read(leader, 100_000).decode()
    assert replayed.returncode == 1, replayed.stdout
    assert replayed.stdout.splitlines() == [
        "1 of 2 letters handled and gone",
        "1 came back, with a new reason: celery -A tasks letters list",
    ]
    assert "2 sent, 1 handled, 1 came back" in shown, "in a terminal its progress is shown"
    assert {line[4] for line in installation.handled()} == {first, second}
    (left,) = rows(installation, "letters", "list")
    assert (left["message_id"], left["reason"]) == (second, "still no such shop")

    installation.kill("worker-2")
    installation.configure(ACCOUNTS, HANDLERS)
    installation.worker("worker-3")
    assert installation.run("letters", "replay", left["id"], "--seconds", "30").returncode == 0
    assert rows(installation, "letters", "list") == []
    assert all(len(message["deliveries"]) == 1 for message in installation.control.ledger()), "no platform was asked"


def test_an_account_is_paused_and_resumed_while_everything_runs(installation: Installation) -> None:
    installation.configure(ACCOUNTS)
    installation.worker()
    installation.beat()
    publish(installation, 1)
    installation.until(lambda: confirmed(installation) == 1, 40, "the account is polled")
    assert installation.run("accounts", "pause", "shop-1", "--reason", "stocktaking").returncode == 0
    until_quiet(installation)
    publish(installation, 2)
    (row,) = rows(installation, "accounts", "list", "--paused")
    assert row["paused"]["reason"] == "stocktaking"
    assert installation.run("accounts", "poll", "shop-1").returncode == 1
    assert confirmed(installation) == 1, "a paused account is not called"
    assert installation.run("accounts", "resume", "shop-1").returncode == 0
    installation.until(lambda: confirmed(installation) == 2, 15, "resumed, it is polled at once")


def until_quiet(installation: Installation) -> None:
    """Wait for the account's consume task to have met the pause.

    It looks again 30 s later then, while a beat's claim moves it no more than 23 s ahead.
    """

    def next_in() -> float:
        return float(rows(installation, "accounts", "list")[0]["next_in"])

    installation.until(lambda: next_in() > 23.5, 40, "the pause is met")
