"""No queue at all: one process pulls, calls, confirms. The floor of what a queue costs."""

import time

from tests.bench.throughput import shop


def main() -> None:
    """Go on until killed."""
    while True:
        items = shop.pull()
        for item in items:
            shop.handle(item.id, item.topic, item.content)
        if items:
            shop.confirm([item.receipt for item in items])
        if not shop.is_full(len(items)):
            time.sleep(shop.POLL_SECONDS)


if __name__ == "__main__":
    main()
