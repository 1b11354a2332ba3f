"""One HTTP reply, from a socket to its body, within limits of time and size; of one that is cut, all that came.

requests and http.client offer no limit on a whole reply, and a server that sends a byte every few seconds would hold a worker
for ever. They also take most of a call's time here: they parse headers as e-mail, and read in more layers than a reply has parts.
"""

import io
import re
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import BadStatusLine, HTTPException, IncompleteRead, LineTooLong, RemoteDisconnected
from math import inf
from typing import Any, TypeAlias

from tasks import clock
from tasks.platforms.errors import MalformedReply
from tasks.platforms.jsontext import decode
from tasks.platforms.unpacking import Unpacker

READS_A_REPLY = 4
"""A reply may take this many times as long as one read may (60 seconds by default)."""
PIECE = 2**16
"""Bytes read at a time: most replies come in one. Nothing is lost of a reply that is cut, as a read returns what there is."""
LONGEST_LINE = 2**16
MOST_HEADERS = 100
"""These two are http.client's."""

_STATUS = re.compile(rb"HTTP/(\d{1,3}\.\d{1,3})[ \t]+([1-9]\d\d)\b")
_TIMEOUT = re.compile(r"timeout=(\d{1,6})")
_CHUNK = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,12})[ \t]*[;\r\n]")
_CHUNKED = re.compile(rb"[ \t]*[0-9A-Fa-f]{0,12}[ \t]*(?:[;\r\n]|$)")
"""What may be the begin of a chunk, as no JSON is, nor what was packed."""
NO_BODY = (204, 304)
MESSAGES = b"msg_data"
"""What vv-tool's messages stand in. A reply with these is kept whatever its status: they never come again."""
OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")
"""What every platform's reply begins with that is JSON; its end is looked for in the last `PEEK` bytes."""
ENDS = (b"}", b">")
"""What JSON ends with, and HTML: a notice of PHP behind JSON, or one of its pages."""
PEEK = 64
REST_SECONDS = 0.2
"""So long the rest is waited for of a body that ends, by its Content-Length, within its JSON: PHP that counts characters, or not
what it has written before, as the three bytes before `<?php` in its file or a notice, and vv-tool sends nothing again."""


class TooLarge(Exception):
    """A body is larger than it may be."""


DAMAGE = (OSError, HTTPException, zlib.error, TooLarge)
"""All that keeps a body from its end."""


@dataclass
class Received:
    """A reply. Names of `headers` are in lower case; `at` is when they came, by the common clock.

    `lasts` tells how many seconds the connection may be idle, 0.0 when it is done with. `fault` says why the body did not come
    to its end, `unkept` what its keeping raised. The other members are what urllib3 asks of a response.
    """

    status: int
    headers: dict[str, str]
    at: float
    lasts: float
    body: bytes = b""
    fault: Exception | None = None
    unkept: Exception | None = None
    version_string: str = field(default="HTTP/1.1", repr=False)
    length_remaining: int = field(default=0, repr=False)


class TimedReader(io.RawIOBase):
    """Reads a socket until the reply's time is up, after `most` seconds at the latest. No read waits longer than `wait` seconds,
    the socket's timeout."""

    def __init__(self, sock: socket.socket, wait: float, most: float = inf) -> None:
        self._socket, self._wait = sock, wait
        self._end = time.monotonic() + min(READS_A_REPLY * wait, most)
        self.over = False
        """Set when nothing more is to be read: then this is at its end."""

    def hurry(self, seconds: float) -> None:
        """Wait no longer than so many seconds from now on."""
        self._end = min(self._end, time.monotonic() + seconds)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.over:
            return 0
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        if left < self._wait:
            self._socket.settimeout(left)
        return self._socket.recv_into(buffer)


Reader: TypeAlias = "io.BufferedReader[TimedReader]"


def receive(sock: socket.socket, wait: float, limit: int, idle: float, most: float = inf) -> Received:
    """The reply that comes, no read of it longer than `wait` seconds and the whole of it no longer than `most`, with at most
    `limit` bytes of body and little more.

    A connection that the platform says nothing of lasts for `idle` seconds. Raises `OSError` or `HTTPException` for one that has
    no head. Whatever goes wrong later is the reply's `fault`, and its body what came before.
    """
    source = TimedReader(sock, wait, most)
    reader = io.BufferedReader(source, PIECE)
    reply = _head(reader, idle)
    unpack, size, pieces = Unpacker(reply.headers.get("content-encoding", "")), 0, []
    try:
        for packed in _body(reader, reply):
            piece = unpack(packed, limit + 1 - size)
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise TooLarge
    except DAMAGE as fault:
        reply.fault, reply.lasts = fault, 0.0
        if isinstance(fault, zlib.error):
            pieces = [unpack.before_damage(limit)]
    reply.body = b"".join(pieces)
    if isinstance(reply.fault, OSError | HTTPException) and _is_json(reply.body):
        reply.fault = None  # nothing can be missing: a length that is too large, or no last chunk
    source.over = True
    if more := reader.read1(PIECE):  # the next call would take it for its reply
        reply.lasts = 0.0
        with suppress(zlib.error):
            more = unpack(more, limit + 1)
    if not reply.fault and _is_cut(reply.body, more):
        source.over, reply.lasts = False, 0.0
        source.hurry(REST_SECONDS)
        reply.body = _with_rest(reader, unpack, reply.body + more, limit)
    return reply


def _is_cut(body: bytes, more: bytes) -> bool:
    """Whether a body ends within its JSON, or before it, with `more` behind it. One with nothing behind it that ends as JSON does
    is taken to be whole: it is stored before anybody reads its JSON."""
    is_ours = OBJECT.match(body or more) or MESSAGES in body + more
    return bool(is_ours and (more or not _may_end(body))) and not _is_json(body)


def _with_rest(reader: Reader, unpack: Unpacker, body: bytes, limit: int) -> bytes:
    """A body with what comes behind it until its JSON is whole, for a moment and up to `limit` bytes and a little more."""
    with suppress(OSError, zlib.error):
        while len(body) <= limit and not (_may_end(body) and _is_json(body)) and (piece := reader.read1(PIECE)):
            body += unpack(piece, limit + 1)
    return body


def _may_end(body: bytes) -> bool:
    return body[-PEEK:].rstrip().endswith(ENDS)


def _is_json(body: bytes) -> bool:
    try:
        decode(body)
    except MalformedReply:
        return False
    return True


def _head(reader: Reader, idle: float) -> Received:
    """Status and headers of the reply, after those that only announce it (100 to 199)."""
    status = 100
    while status < 200:
        line = reader.readline(LONGEST_LINE)
        found = _STATUS.match(line)
        if not found:
            raise BadStatusLine("no HTTP") if line else RemoteDisconnected("closed without a reply")
        version, status = found[1], int(found[2])
        headers = _headers(reader)
    connection = headers.get("connection", "").lower()
    stays = "keep-alive" in connection if version == b"1.0" else "close" not in connection
    told = _TIMEOUT.search(headers.get("keep-alive", ""))
    lasts = min(idle, max(float(told[1]) - 1, 0.0)) if told else idle
    return Received(status, headers, clock.now(), lasts if stays else 0.0)


def _headers(reader: Reader) -> dict[str, str]:
    """The headers up to the empty line. Of one that stands twice the first counts; lines that are none are left out."""
    headers: dict[str, str] = {}
    for _ in range(MOST_HEADERS):
        line = reader.readline(LONGEST_LINE)
        if line in (b"\r\n", b"\n"):
            return headers
        if not line.endswith(b"\n"):
            raise LineTooLong("header") if len(line) == LONGEST_LINE else RemoteDisconnected("cut within the headers")
        name, colon, value = line.decode("latin-1").partition(":")
        if colon and not name[:1].isspace():
            headers.setdefault(name.strip().lower(), value.strip())
    raise HTTPException("too many headers")


def _body(reader: Reader, reply: Received) -> Iterator[bytes]:
    """The body as it comes, still packed (RFC 9112, 6.3)."""
    size, coding = reply.headers.get("content-length", ""), reply.headers.get("transfer-encoding", "")
    if reply.status in NO_BODY:
        return iter(())
    is_sized = size.isascii() and size.isdigit() and len(size) < 16
    plain = _sized(reader, int(size)) if is_sized else iter(lambda: reader.read1(PIECE), b"")
    if coding.rpartition(",")[2].strip().lower() == "chunked":
        return _chunks(reader, plain)
    if not is_sized:
        reply.lasts = 0.0
    return plain


def _sized(reader: Reader, left: int) -> Iterator[bytes]:
    while left:
        piece = reader.read1(min(left, PIECE))
        if not piece:
            raise IncompleteRead(b"", left)
        left -= len(piece)
        yield piece


def _chunks(reader: Reader, plain: Iterator[bytes]) -> Iterator[bytes]:
    """The body in chunks. Where it is in none, as PHP sends what it hands on with the headers that it got, that which is `plain`;
    where a chunk is longer than it says, the rest of its line too; and then the fault."""
    if not _CHUNKED.match(reader.peek(1) or b"0"):
        yield from plain
        raise HTTPException("not in chunks")
    longer = False
    while size := _chunk_size(reader.readline(LONGEST_LINE)):
        yield from _sized(reader, size)
        for piece in _rest_of_line(reader):
            longer = True
            yield piece
    _headers(reader)  # what may come after the last
    if longer:
        raise HTTPException("a chunk is longer than it says")


def _rest_of_line(reader: Reader) -> Iterator[bytes]:
    line = b""
    while not line.endswith(b"\n") and (line := reader.readline(PIECE)):
        if piece := line.rstrip(b"\r\n"):
            yield piece


def _chunk_size(line: bytes) -> int:
    found = _CHUNK.match(line)
    if not found:
        raise HTTPException("a chunk without its size")
    return int(found[1], 16)
