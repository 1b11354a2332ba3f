"""The measure of the machine: signed `requests` calls in threads, as one writes them by hand.

`python -m tests.bench.polls.bare URL ACCOUNTS THREADS SECONDS` prints, as JSON, calls a second and milliseconds of CPU a call,
after two seconds to warm up.
"""

import hashlib
import json
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import count

import requests
from requests.adapters import HTTPAdapter

SECRET = "helloworld"
WARM_SECONDS = 2.0
TIMEOUT = (5, 15)


def form(group: str) -> dict[str, str]:
    """A pull of this group, signed with MD5."""
    at = (datetime.now(UTC) + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")
    told = {
        "method": "taobao.tmc.messages.consume",
        "app_key": "12345678",
        "sign_method": "md5",
        "v": "2.0",
        "format": "json",
        "timestamp": at,
        "group_name": group,
        "quantity": "100",
    }
    text = SECRET + "".join(name + told[name] for name in sorted(told)) + SECRET
    return told | {"sign": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()}


def run(url: str, accounts: int, threads: int, seconds: float) -> dict[str, float]:
    """Call as fast as it goes; `rate` in calls a second, `cpu` in milliseconds a call."""
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=threads))
    numbers, done, over = count(), count(), threading.Event()

    def loop() -> None:
        while not over.is_set():
            told = session.post(url, data=form(f"g{next(numbers) % accounts}"), timeout=TIMEOUT).json()
            assert not told["tmc_messages_consume_response"]["messages"]
            next(done)

    crew = [threading.Thread(target=loop) for _ in range(threads)]
    for thread in crew:
        thread.start()
    time.sleep(WARM_SECONDS)
    before, cpu, began = next(done), time.process_time(), time.monotonic()
    time.sleep(seconds)
    calls, used, took = next(done) - before, time.process_time() - cpu, time.monotonic() - began
    over.set()
    for thread in crew:
        thread.join()
    return {"rate": calls / took, "cpu": used * 1000 / calls}


def main() -> None:
    url, accounts, threads, seconds = sys.argv[1:]
    print(json.dumps(run(url, int(accounts), int(threads), float(seconds))))  # noqa: T201  (a script's result)


if __name__ == "__main__":
    main()
