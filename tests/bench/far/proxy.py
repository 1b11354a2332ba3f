"""A way to a Redis that is far away: `python -m tests.bench.far.proxy PORT TO MILLISECONDS` delays all that goes by loopback.

MILLISECONDS are of a round trip: half of them on the way there, half on the way back; where that is less than 2, which asyncio's
clock of whole milliseconds would stretch, all on the way back.
"""

import asyncio
import sys
from collections import deque

SHORT = 0.004


class Side(asyncio.Protocol):
    """One end of a connection. What comes here leaves by the other end after a while, in order."""

    def __init__(self, delay: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.delay = delay
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None
        self.early: list[bytes] = []
        self.waiting: deque[tuple[float, bytes]] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        for data in self.early:
            transport.write(data)

    def write(self, data: bytes) -> None:
        """Send by this end, as soon as it is connected."""
        if self.transport is None:
            self.early.append(data)
        elif data:
            self.transport.write(data)
        else:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        if not self.delay:
            assert self.other
            self.other.write(data)
            return
        self.waiting.append((self.loop.time() + self.delay, data))
        if len(self.waiting) == 1:
            self.loop.call_at(self.waiting[0][0], self._pass)

    def connection_lost(self, exc: Exception | None) -> None:
        self.data_received(b"")

    def _pass(self) -> None:
        """Pass on all that is due."""
        assert self.other
        while self.waiting and self.waiting[0][0] <= self.loop.time() + 0.0002:
            self.other.write(self.waiting.popleft()[1])
        if self.waiting:
            self.loop.call_at(self.waiting[0][0], self._pass)


async def serve(port: int, to: int, seconds: float) -> None:
    """Delay what comes to a port of this machine and goes to another one."""
    there, back = (0.0, seconds) if seconds < SHORT else (seconds / 2, seconds / 2)
    loop, kept = asyncio.get_running_loop(), set[asyncio.Task[object]]()

    def accept() -> Side:
        here, far = Side(there), Side(back)
        here.other, far.other = far, here
        task = loop.create_task(loop.create_connection(lambda: far, "127.0.0.1", to))
        kept.add(task)
        task.add_done_callback(kept.discard)
        return here

    async with await loop.create_server(accept, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
