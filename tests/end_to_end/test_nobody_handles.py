"""A slip in a registered topic, as its user meets it: seen everywhere, nothing confirmed with `leave`, mended by a new worker."""

import json
from typing import Any

from tests.end_to_end.installation import HANDLERS, Installation
from tests.end_to_end.test_main_job import ACCOUNTS

LEASE = 5
PAY = "taobao_trade_TradeBuyerPay"
SLIP = HANDLERS.replace('@handles("*")', f'@handles("{PAY}d", "taobao_trade_TradeCreate")')
MENDED = SLIP.replace(f"{PAY}d", PAY)


def asked(installation: Installation, *words: str) -> tuple[int, str]:
    """Exit code and output of one of the operator's commands."""
    done = installation.run(*words)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


def shown(installation: Installation) -> dict[str, dict[str, Any]]:
    return {row["topic"]: row for row in map(json.loads, asked(installation, "handlers", "--json")[1].splitlines())}


def topics(installation: Installation) -> list[str]:
    return sorted(line[3] for line in installation.handled())


def test_a_topic_that_nobody_handles_is_seen_everywhere_and_handled_once_it_is_mended(
    installation: Installation,
) -> None:
    accounts = ACCOUNTS.replace("lease_seconds = 30", f"lease_seconds = {LEASE}")
    installation.configure(accounts.replace('shop_id = "123"', 'shop_id = "123"\ntopic = "TradeCreate"'), SLIP)
    installation.env["TIDINGS_UNHANDLED"] = "leave"
    ids = set(installation.control.publish("taobao", [{"topic": PAY, "content": {"tid": n}} for n in range(3)]))
    both = ("TradeCreate", "taobao_trade_TradeCreate")
    installation.control.publish(
        "vvtool", [{"topic": topic, "content": {"tid": 1}} for topic in (*both, PAY)], shop_id="123"
    )
    installation.beat()
    installation.worker("old")
    installation.until(lambda: len(topics(installation)) == 2, what="both spellings of TradeCreate")
    assert topics(installation) == ["taobao_trade_TradeCreate"] * 2
    installation.until(lambda: shown(installation)[PAY]["unhandled_today"] >= 3, what="the messages of nobody counted")
    found = shown(installation)
    assert (found[PAY]["handler"], "a slip?" in found[PAY]["note"]) == ("", True)
    assert found["taobao_trade_TradeCreate"]["seen_today"] == 2
    code, said = asked(installation, "check")
    assert (code, f"did you mean {PAY}?" in said) == (1, True)
    code, said = asked(installation, "status")
    assert (code, f"messages today that nobody handled: topic {PAY} (" in said) == (1, True)
    log = installation.log("old").read_text()
    assert log.count("nobody handles this topic") == 1
    assert f"did you mean {PAY}?" in log
    assert not any(row["confirmed"] for row in installation.control.ledger("taobao"))

    (installation.home / "shop_handlers.py").write_text(MENDED)
    installation.worker("new")
    different = "worker old@"
    installation.until(
        lambda: different in asked(installation, "check")[1], what="the worker that still has the slip is named"
    )
    assert different in asked(installation, "status")[1]
    installation.kill("old")
    installation.until(
        lambda: ids <= {row["id"] for row in installation.control.ledger("taobao") if row["confirmed"]},
        what="the messages that were left are handled and confirmed",
    )
    assert topics(installation) == sorted([*["taobao_trade_TradeCreate"] * 2, *[PAY] * 3])
