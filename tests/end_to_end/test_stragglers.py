"""One message that holds its batch up, in real workers: the others are confirmed within seconds, and it later."""

import pytest

from tests.end_to_end.installation import HANDLERS, Installation

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 120
[accounts.shop]
gateway = "tb"
quantity = 100
poll = { min = 0.1, max = 0.2 }
"""

HOLDING = """
tried = []

@handles("t")
def on_t(content: dict, message: Message) -> None:
    if content.get("sleeps"):
        note(message, "began")
        while not os.path.exists(JOURNAL + ".over"):
            time.sleep(0.1)
    note(message, "handled")
"""


@pytest.mark.parametrize("stock", ["", "1"])
def test_ninety_nine_messages_do_not_wait_for_the_hundredth(installation: Installation, stock: str) -> None:
    installation.configure(ACCOUNTS, HANDLERS + HOLDING)
    installation.env |= {"TIDINGS_STOCK": stock} if stock else {}

    def publish(sleeps: int | None) -> list[str]:
        contents = [{"sleeps": number == sleeps} for number in range(100)]
        return installation.control.publish("taobao", [{"topic": "t", "content": content} for content in contents])

    def confirmed() -> set[str]:
        return {message["id"] for message in installation.control.ledger() if message["confirmed"]} - quick

    def calls() -> int:
        return int(installation.control.summary()["apis"]["taobao"]["confirm"]["calls"])

    quick = set[str]()
    first = {*publish(sleeps=None)}
    installation.worker()
    installation.beat()
    installation.until(
        lambda: confirmed() == first, 40, "the topic is known as a quick one, whose messages go together"
    )
    quick, before = first, calls()
    ids = publish(sleeps=40)
    installation.until(lambda: installation.handled("began"), 30, "the hundredth runs")
    installation.until(lambda: confirmed() == {*ids} - {ids[40]}, 30, "the others are confirmed, long before 90 s")
    assert calls() - before == 1
    (installation.home / "journal.over").touch()
    installation.until(lambda: confirmed() == {*ids}, 30, "and this one")
    assert calls() - before == 2
    assert len(installation.handled()) == 200
