"""Orders that come at an even pace, to every account of every platform, from a thread of its own."""

import threading
import time
from collections.abc import Sequence
from typing import Self

from tasks.commands.demo.cast import Actor
from tasks.sandbox.control import Control
from tests.end_to_end.chaos.script import TOPICS, VVTOOL_TOPICS

STEP = 0.25
"""Seconds from one delivery of orders to the next."""


class Load:
    """So many messages a second, shared by these accounts, from `with` until the end of the block or `stop`."""

    def __init__(self, url: str, actors: Sequence[Actor], rate: float) -> None:
        self.published = 0
        self._control = Control(url)
        self._actors = actors
        self._rate = rate
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._publish, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """No more orders; returns once the last ones are in."""
        self._over.set()
        self._thread.join()
        self._control.close()

    def _publish(self) -> None:
        began, turn = time.monotonic(), 0
        while not self._over.wait(STEP):
            due = int((time.monotonic() - began) * self._rate) - self.published
            actor = self._actors[turn % len(self._actors)]
            turn += 1
            if due > 0:
                topic = TOPICS.get(actor.platform) or VVTOOL_TOPICS[turn % 2]
                some = [{"topic": topic, "content": {"tid": self.published + place}} for place in range(due)]
                self._control.publish(actor.platform, some, **actor.where)
                self.published += due
