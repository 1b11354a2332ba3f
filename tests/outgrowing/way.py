"""A way to a server that takes its time, stalls, or leads to another one; on loopback, in a thread of its own."""

import asyncio
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

CHUNK = 65_536
LOOK_SECONDS = 0.02


class Way:
    """Forwards what comes to `port`. `delay` is in seconds, for each direction, and keeps what is sent in order; `more` tells for
    each chunk what comes on top. With `tls`, who comes has to speak that; who is led to does not."""

    def __init__(self, to: int, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.port = 0
        self.delay = 0.0
        self.more: Callable[[], float] = float
        self.stalled = False
        self._to = to
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def lead(self, to: int) -> None:
        """Lead to another port from now on; the connections that there are end."""
        self._to = to
        self._call(self._cut)

    def _call(self, what: Callable[[], None]) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(what)
        self._loop.call_soon_threadsafe(done.set)
        done.wait(10)

    def _cut(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:  # it waits for what it cancels
            runner.run(self._serve())

    async def _serve(self) -> None:
        async with await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._end.wait()
            self._cut()

    async def _accept(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        forth: asyncio.StreamWriter | None = None
        try:
            there, forth = await asyncio.open_connection("127.0.0.1", self._to)
            await asyncio.gather(self._carry(here, forth), self._carry(there, back))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for writer in filter(None, (back, forth)):
                writer.close()

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Each chunk leaves so many seconds after it came, however many come meanwhile, and behind those before it."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sending = asyncio.ensure_future(self._send(waiting, target))
        try:
            while data := await source.read(CHUNK):
                waiting.put_nowait((self._loop.time() + self.delay + self.more(), data))
            waiting.put_nowait((self._loop.time() + self.delay, b""))
            await sending
        finally:
            sending.cancel()

    async def _send(self, waiting: "asyncio.Queue[tuple[float, bytes]]", target: asyncio.StreamWriter) -> None:
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            while self.stalled:
                await asyncio.sleep(LOOK_SECONDS)
            if not data:
                with suppress(OSError):
                    target.write_eof()
                return
            target.write(data)
            await target.drain()
