"""Unpacks the body of a reply as it comes, whatever its headers say of how it was packed."""

import zlib
from collections.abc import Callable
from contextlib import suppress

from urllib3.response import DeflateDecoder, GzipDecoder

GZIP = b"\x1f"
"""The byte that gzip begins with, and no JSON."""
JSON = (b"{", b"[", b" ", b"\n", b"\t", b"\xef\xbb\xbf")
"""What JSON begins with, and nothing does that was packed."""
WHOLE_HEADERS = 32 + zlib.MAX_WBITS
"""Has zlib find out by the first bytes whether it is gzip or zlib's own."""


def _as_it_is(piece: bytes, _room: int) -> bytes:
    return piece


class Unpacker:
    """Unpacks a body piece by piece, to so many bytes at most, by what it begins with: vv-tool sends nothing again that PHP or
    a proxy has labelled wrongly. gzip may be told of or not; JSON that is said to be packed stays as it is, and so does what is
    packed in a way that nobody asked for."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding.lower()
        self._unpack: Callable[[bytes, int], bytes] | None = None
        self._packed: list[bytes] = []

    def __call__(self, piece: bytes, room: int) -> bytes:
        if self._unpack is None:
            self._unpack = self._way(piece)
        if self._unpack is not _as_it_is:
            self._packed.append(piece)
        return self._unpack(piece, room)

    def _way(self, piece: bytes) -> Callable[[bytes, int], bytes]:
        if piece.startswith(GZIP):
            return GzipDecoder().decompress
        if self._encoding == "deflate" and not piece.startswith(JSON):
            return DeflateDecoder().decompress
        return _as_it_is

    def before_damage(self, limit: int) -> bytes:
        """What can be unpacked of a body in which that failed, or the body as it came. Goes byte by byte, as zlib gives nothing
        of a piece that is damaged."""
        packed = b"".join(self._packed)
        undo, found = zlib.decompressobj(WHOLE_HEADERS), bytearray()
        with suppress(zlib.error):
            for place in range(len(packed)):
                found += undo.decompress(packed[place : place + 1], limit)
                if len(found) > limit:
                    break
        return bytes(found[: limit + 1]) or packed
