"""No queue at all: one process pulls, calls, confirms, for one account after the other. The floor of what a queue costs."""

import time

from tests.bench.throughput import shop


def main() -> None:
    """Give the account that is due first its turn, until killed."""
    due = dict.fromkeys(shop.lanes(), 0.0)
    while True:
        lane = min(due, key=due.__getitem__)
        time.sleep(max(0.0, due[lane] - time.monotonic()))
        wait = 0.0 if turn(lane) else shop.POLL_SECONDS
        due[lane] = time.monotonic() + wait


def turn(lane: int) -> bool:
    """One batch of the account's; whether it was full."""
    items = shop.pull(lane)
    for item in items:
        shop.handle(item.id, item.topic, item.content)
    if items:
        shop.confirm(lane, [item.receipt for item in items])
    return shop.is_full(lane, len(items))


if __name__ == "__main__":
    main()
