"""handlers.database in workers: every message stored once, whatever is killed, and orders as their last events have them."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.end_to_end.installation import HANDLERS, Installation

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 12
[accounts.shop]
gateway = "tb"
poll = { min = 0.2, max = 0.5 }
"""

ORDERS = 40
OWN = "taobao_trade_TradeRated"
LIFE = ("TradeCreate", "TradeBuyerPay", "TradeSellerShip", "TradeSuccess")


def asked(path: Path, query: str) -> list[Any]:
    """The rows; none while the tables are not there."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []


def test_every_message_is_stored_once_and_every_order_is_as_its_last_event_has_it(installation: Installation) -> None:
    installation.configure(ACCOUNTS, HANDLERS.replace('"*"', f'"{OWN}"'))
    installation.env |= {"TIDINGS_HANDLERS": "handlers.database,shop_handlers", "TIDINGS_DATABASE_TOPICS": "taobao_*"}
    messages = [
        {"topic": f"taobao_trade_{topic}", "content": {"tid": tid, "buyer_nick": f"b{tid}"}}
        for topic in LIFE
        for tid in range(1, ORDERS + 1)
    ]
    installation.control.publish("taobao", [*messages, {"topic": OWN, "content": {"tid": 1}}])
    path = installation.home / "tidings.db"
    installation.worker("pull", "-Q", "consume,confirm", "-P", "threads", "-c", "8")
    installation.worker("handle", "-Q", "handle")
    installation.beat()
    installation.until(lambda: asked(path, "SELECT 1 FROM tidings_message"), 40, "something is stored")
    installation.kill("handle")
    installation.worker("again", "-Q", "handle")
    installation.until(
        lambda: all(m["confirmed"] for m in installation.control.ledger()), 60, "everything is confirmed"
    )
    assert asked(path, "SELECT count(*), count(DISTINCT id) FROM tidings_message") == [(len(messages), len(messages))]
    ends = asked(path, "SELECT tid, status, topic, buyer_nick FROM tidings_trade ORDER BY tid")
    assert ends == [(tid, "TRADE_FINISHED", "taobao_trade_TradeSuccess", f"b{tid}") for tid in range(1, ORDERS + 1)]
    assert [line[3] for line in installation.handled()] == [OWN], "an exact topic of the user's wins"
    assert "buyer_nick" not in installation.logs()
