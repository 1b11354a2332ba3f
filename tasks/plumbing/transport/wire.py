"""py-amqp's connection, which reads what has come with one call and writes with one what belongs together.

py-amqp reads a message in nine calls, and the event loop has one turn for each; it writes an acknowledgement by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from amqp import RecoverableConnectionError, transport
from kombu.transport import pyamqp

CHUNK = 16 * 1024
"""Bytes to read at a time: some messages. More would be copied too often, as py-amqp cuts each frame off the rest."""

ANSWER_SECONDS = 10.0
"""A node that has not answered by then is taken for lost."""

HEAD = 8
"""Bytes of a frame beside its content, whose length stands in the fourth to seventh."""


class Reads:
    """Reads ahead of the frame that is asked for."""

    _read_buffer: bytes
    _quick_recv: Any

    def _setup_transport(self) -> None:
        super()._setup_transport()  # type: ignore[misc]
        receive = self._quick_recv
        self._quick_recv = lambda wanted: receive(max(wanted, CHUNK))

    @property
    def has_frame(self) -> bool:
        """Whether a whole frame was read that nobody has asked for."""
        there = len(self._read_buffer)
        return there >= HEAD and there >= HEAD + int.from_bytes(self._read_buffer[3:7], "big")


class TCPTransport(Reads, transport.TCPTransport):
    """Without TLS."""


class SSLTransport(Reads, transport.SSLTransport):
    """With TLS."""


class Connection(pyamqp.Connection):
    """With such a transport; `loop` is the event loop of the worker that receives on it, if any."""

    loop: Any = None
    _transport: Any

    def Transport(self, host: str, connect_timeout: Any, ssl: Any = False, *more: Any, **options: Any) -> Any:  # noqa: N802 - py-amqp's name
        """The socket's side of the connection."""
        kind = SSLTransport if ssl else TCPTransport
        names = ("read_timeout", "write_timeout", "socket_settings")
        return kind(host, connect_timeout=connect_timeout, ssl=ssl, **dict(zip(names, more, strict=False)), **options)

    @contextmanager
    def joined(self) -> Iterator[None]:
        """What is sent inside goes out with one write when the block ends; nothing does when it raises."""
        way, pieces = self.transport, list[bytes]()
        write = way._write
        way._write = lambda piece: pieces.append(bytes(piece))
        try:
            yield
        finally:
            way._write = write
        way.write(b"".join(pieces))

    def drain_events(self, timeout: float | None = None) -> None:
        """Read until a message is there, and see to it that what was read with it is not forgotten.

        py-amqp waits for RabbitMQ's answers without a limit, and a node that hangs gives none: such a connection is given up, as
        it would not answer to a polite end either. Raises `RecoverableConnectionError` then.
        """
        try:
            super().drain_events(ANSWER_SECONDS if timeout is None else timeout)
        except TimeoutError:
            if timeout is not None:
                raise
            self.collect()
            raise RecoverableConnectionError(f"RabbitMQ has not answered for {ANSWER_SECONDS:.0f} s") from None
        if self.loop is not None and self._transport is not None and self._transport.has_frame:
            self.loop.call_soon(self.catch_up)

    def catch_up(self) -> None:
        """Hand on the whole frames that were read."""
        while self._transport is not None and self._transport.has_frame:
            self.on_inbound_frame(self._transport.read_frame())
