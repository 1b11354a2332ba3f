"""How long 50 quiet accounts wait, each with a message a second, without and with one that has 100,000 waiting.

From a message's publishing to the end of its handler, by the clock of this machine. Exit code 1 when the 95th percentile of
the quiet ones is more than twice as long with the loud account as without.
"""

import argparse
import json
import random
import sys
import time
from typing import NamedTuple

from tasks.sandbox.control import Control
from tests.bench.installed import installed
from tests.end_to_end.installation import Installation
from tests.gateways import TAOBAO
from tests.journal import whole_lines

QUIET = 50
LOUD = 100_000
LOUD_ONE = '"loud"'
PIECE = 10_000
"""Messages of one publication."""
WARM_UP_SECONDS = 5
LAST_SECONDS = 10.0
"""After publishing has ended, the last messages have so long to be handled."""
MOST = 2.0
TOPIC = "taobao_trade_TradeBuyerPay"

ACCOUNT = """
[accounts.{name}]
gateway = "tb"
group = "{name}"
poll = {{ min = {min}, max = 5 }}
"""
HANDLERS = '''
"""Does nothing but note which account's message was handled when, and when it was published."""
import json, os, time
from handlers import Message, handles

FILE = os.open(os.environ["JOURNAL"], os.O_APPEND | os.O_CREAT | os.O_WRONLY)

@handles("*")
def on_any(content: dict, message: Message) -> None:
    os.write(FILE, json.dumps(["handled", message.account, content["at"], time.time()]).encode() + b"\\n")
'''


class Waits(NamedTuple):
    """What the quiet accounts' messages waited, in seconds: the shortest first."""

    seconds: list[float]
    missing: int

    def at(self, share: float) -> float:
        """The wait that this share of the messages did not exceed."""
        return self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


def moments(seconds: int) -> list[tuple[float, str]]:
    """When to publish for whom: each quiet account once in every second, at any moment of it, so that no poll keeps step."""
    chance = random.Random(1)
    return sorted((second + chance.random(), f"quiet-{n}") for second in range(seconds) for n in range(QUIET))


def publish(control: Control, seconds: int) -> list[float]:
    """A message a second for each quiet account; the moments of publishing."""
    started, published = time.time(), []
    for moment, name in moments(seconds):
        time.sleep(max(0.0, started + moment - time.time()))
        published.append(time.time())
        control.publish("taobao", [{"topic": TOPIC, "content": {"at": published[-1]}}], group=name)
    return published


def waits(installation: Installation, published: list[float]) -> Waits:
    """What the messages published at these moments waited."""
    end = time.monotonic() + LAST_SECONDS
    asked, found = set(published), dict[float, float]()
    while len(found) < len(asked) and time.monotonic() < end:
        time.sleep(0.2)
        lines = (json.loads(line) for line in whole_lines(installation.journal) if LOUD_ONE not in line)
        found = {at: handled - at for _, _, at, handled in lines if at in asked}
    return Waits(sorted(found.values()), len(asked) - len(found))


def measure(installation: Installation, seconds: int) -> Waits:
    """Publish for so long, after some seconds that do not count."""
    publish(installation.control, WARM_UP_SECONDS)
    return waits(installation, publish(installation.control, seconds))


def shout(installation: Installation, number: int) -> None:
    """So many messages for the loud account."""
    for _ in range(0, number, PIECE):
        installation.control.publish("taobao", [{"topic": TOPIC, "content": {"at": 0.0}}] * PIECE, group="loud")


def loud(installation: Installation) -> int:
    """How many messages of the loud account were handled so far."""
    with installation.journal.open() as journal:
        return sum(LOUD_ONE in line for line in journal)


def alone(installation: Installation, seconds: int) -> float:
    """How many messages of the loud account are handled a second when nobody else has any."""
    shout(installation, LOUD)
    installation.until(installation.handled, 30, "the first message is handled")
    time.sleep(WARM_UP_SECONDS)
    started, before = time.monotonic(), loud(installation)
    time.sleep(seconds)
    return (loud(installation) - before) / (time.monotonic() - started)


def say(what: str, found: Waits) -> None:
    figures = "".join(f"  p{share:.0%} {found.at(share):6.3f} s".replace("%", "") for share in (0.5, 0.95, 0.99))
    print(f"{what:<24}{len(found.seconds):6} messages{figures}  not handled: {found.missing}")  # noqa: T201  (a script's result)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="how long to measure without and with the loud account")
    parser.add_argument("--min", type=float, default=1.0, help="poll.min of the accounts (seconds)")
    parser.add_argument("--alone", action="store_true", help="only the loud account: messages a second")
    told = parser.parse_args()
    names = [*([] if told.alone else [f"quiet-{number}" for number in range(QUIET)]), "loud"]
    accounts = TAOBAO + "".join(ACCOUNT.format(name=name, min=told.min) for name in names)
    with installed(accounts, HANDLERS) as installation:
        if told.alone:
            print(f"one loud account alone: {alone(installation, told.seconds):.0f} messages a second")  # noqa: T201
            return
        without = measure(installation, told.seconds)
        say("without the loud one", without)
        shout(installation, LOUD)
        started = time.monotonic()
        with_ = measure(installation, told.seconds)
        say("with the loud one", with_)
        print(f"the loud one meanwhile: {loud(installation) / (time.monotonic() - started):.0f} messages a second")  # noqa: T201
    ratio = with_.at(0.95) / without.at(0.95)
    print(f"p95 is {ratio:.2f} times as long, at most {MOST} is good")  # noqa: T201
    sys.exit(ratio > MOST or bool(with_.missing))


if __name__ == "__main__":
    main()
