"""How soon an account is polled again whose session was renewed in the accounts file: `python -m tests.bench.renewed`.

A beat, and a worker of 8 processes that other accounts keep busy, with default settings. In each try an account's session
expires, the account is paused, its session is renewed in the file at some later moment, and the platform notes the next call.
Exit code 1 when one takes longer than `MOST_SECONDS`.
"""

import argparse
import random
import sys
import time
from collections.abc import Mapping

from tests.bench.installed import installed
from tests.end_to_end.installation import HANDLERS, Installation
from tests.gateways import TAOBAO

NAMES = [f"g{number}" for number in range(30)]
PROCESSES = 8
MOST_SECONDS = 5.0
LONGEST_SECONDS = 60.0
"""A try is given up after so long: an account that nobody wakes is looked at within half a minute."""
SPREAD_SECONDS = 3.0
"""Between a pause and the renewal, at random: no two tries meet the processes' looks at the same moment."""

ACCOUNT = """
[accounts.{name}]
gateway = "tb"
group = "{name}"
session = "env:{session}"
poll = {{ min = 0.5, max = 1 }}
"""
SESSIONS = ("SESSION_A", "SESSION_B")


def text(sessions: Mapping[str, int]) -> str:
    """The accounts file in which each account has that one of the two sessions."""
    return TAOBAO + "".join(ACCOUNT.format(name=name, session=SESSIONS[which]) for name, which in sessions.items())


class Shops:
    """The accounts of one installation, each with one of two sessions."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.sessions = dict.fromkeys(NAMES, 0)

    def renew(self, name: str) -> float:
        """Give the account its other session, in a new file put in place of the old one; when that was."""
        self.sessions[name] = 1 - self.sessions[name]
        path = self.installation.home / "accounts.toml"
        path.with_suffix(".new").write_text(text(self.sessions).replace("{url}", self.installation.control.url))
        path.with_suffix(".new").replace(path)
        return time.time()

    def polled(self, name: str, since: float, *, well: bool) -> float | None:
        """When the platform was first called for the account after a moment, and answered well, or not; None: not yet."""
        calls = self.installation.control.calls(1000)
        found = [
            call["time"]
            for call in calls
            if call.get("group") == name and call["time"] >= since and (call["code"] == "ok") == well
        ]
        return min(found, default=None)


def once(shops: Shops, name: str) -> float:
    """One try: the seconds from renewal to the next call."""
    control = shops.installation.control
    began = time.time()
    fault = control.fault("taobao", "expired_session", api="consume", group=name)
    shops.installation.until(lambda: shops.polled(name, began, well=False), 30, f"{name} to be refused")
    control.clear_faults(fault)
    time.sleep(random.uniform(0.5, SPREAD_SECONDS))
    renewed = shops.renew(name)
    while not (at := shops.polled(name, renewed, well=True)) and time.time() < renewed + LONGEST_SECONDS:
        time.sleep(0.05)
    return (at or time.time()) - renewed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=50)
    tries = parser.parse_args().tries
    env = {"TIDINGS_WORKER_CONCURRENCY": str(PROCESSES), **{name: name for name in SESSIONS}}
    with installed(text(dict.fromkeys(NAMES, 0)), HANDLERS, **env) as installation:
        shops = Shops(installation)
        installation.until(lambda: all(shops.polled(name, 0, well=True) for name in NAMES), 60, "all polled")
        took = sorted(once(shops, name) for name in random.choices(NAMES, k=tries))
    late = sum(each > MOST_SECONDS for each in took)
    say(f"polled again after p50 {took[len(took) // 2]:.2f}, p90 {took[len(took) * 9 // 10]:.2f}, max {took[-1]:.2f} s")
    say(f"{tries} tries, {late} of them later than {MOST_SECONDS:g} s: {'MISSED' if late else 'good'}")
    sys.exit(bool(late))


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  (a script's result)


if __name__ == "__main__":
    main()
