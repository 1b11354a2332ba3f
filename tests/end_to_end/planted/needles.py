"""A planted text in every encoding that a log, a page or a value in Redis may have it in."""

import base64
import bz2
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from html import escape
from urllib.parse import quote, quote_plus

SHORTEST = 6
"""Bytes of a needle: a shorter one is found in anything."""


def written(text: str) -> Iterator[tuple[str, bytes]]:
    """The text as characters, by the name of their encoding."""
    for encoding in ("utf-8", "gbk", "utf-16-le", "utf-16-be"):
        try:
            yield encoding, text.encode(encoding)
        except UnicodeEncodeError:
            continue
    escapes = json.dumps(text)[1:-1]
    yield "escapes", escapes.encode()
    yield "escapes, capitals", re.sub(r"\\u\w{4}", lambda found: "\\u" + found[0][2:].upper(), escapes).encode()
    yield "escapes of escapes", json.dumps(escapes)[1:-1].encode()
    yield "python's escapes", repr(text.encode())[2:-1].encode()


def encodings(text: str) -> dict[str, bytes]:
    """What to look for, by name."""
    found: dict[str, bytes] = {}
    for name, raw in written(text):
        found[name] = raw
        found[f"hex of {name}"] = raw.hex().encode()
        found[f"HEX of {name}"] = raw.hex().upper().encode()
        for alignment in range(3):
            found[f"base64 of {name} at {alignment}"] = in_base64(raw, alignment)
            found[f"base64url of {name} at {alignment}"] = in_base64(raw, alignment).translate(
                bytes.maketrans(b"+/", b"-_")
            )
    for encoding in ("utf-8", "gbk"):
        for way in (quote, quote_plus):
            try:
                told = way(text, safe="", encoding=encoding, errors="strict")
            except UnicodeEncodeError:
                continue
            found[f"{way.__name__} of {encoding}"] = told.encode()
            found[f"small {way.__name__} of {encoding}"] = re.sub("%..", lambda of: of[0].lower(), told).encode()
    found["html"] = escape(text).encode()
    found["html decimal"] = "".join(f"&#{ord(char)};" for char in text).encode()
    found["html hex"] = "".join(f"&#x{ord(char):x};" for char in text).encode()
    found["html of other characters"] = text.encode("ascii", "xmlcharrefreplace")
    return {name: needle for name, needle in found.items() if len(needle) >= SHORTEST}


def in_base64(raw: bytes, alignment: int) -> bytes:
    """The characters of base64 that these bytes decide alone, where so many stand before them in a group of three."""
    whole = base64.b64encode(b"\0" * alignment + raw)
    return whole[-(-alignment * 8 // 6) : (alignment + len(raw)) * 8 // 6]


def unpacked(data: bytes) -> Iterator[bytes]:
    """The data, and what is compressed in it: as a whole, or in base64 that begins as compressed data does."""
    yield data
    for raw, ways in ((data, OPENERS), *((each, OPENERS[:2]) for each in _decoded(data))):
        for open_ in ways:
            try:
                yield open_(raw)
            except Exception:  # noqa: S112 - it is not that
                continue


def _decoded(data: bytes) -> Iterator[bytes]:
    for found in PACKED.findall(data):
        text = found.translate(bytes.maketrans(b"-_", b"+/"))
        yield base64.b64decode(text[: len(text) // 4 * 4])


def _gzip_or_zlib(data: bytes) -> bytes:
    """Either, also where its end is missing."""
    return zlib.decompressobj(47).decompress(data)


def _raw_deflate(data: bytes) -> bytes:
    return zlib.decompress(data, -15)


def _brotli(data: bytes) -> bytes:
    import brotli  # type: ignore[import-not-found, unused-ignore]  # where it is installed: nothing of ours writes it

    opened: bytes = brotli.decompress(data)
    return opened


OPENERS = (_gzip_or_zlib, bz2.decompress, _raw_deflate, _brotli)

PACKED = re.compile(rb"(?:H4sI|eJ|eA|eN|eF|QlpoO)[A-Za-z0-9+/_-]{16,}")
"""How gzip, zlib and bzip2 begin in base64."""


class Needles:
    """Planted texts, by what they are."""

    def __init__(self, planted: dict[str, str]) -> None:
        told = [
            (needle, f"{what} ({how})") for what, text in planted.items() for how, needle in encodings(text).items()
        ]
        self._all = dict(told)
        self._any = re.compile(b"|".join(map(re.escape, sorted(self._all, key=len, reverse=True))))

    def found(self, *haystacks: bytes) -> list[str]:
        """What stands in there, and how."""
        return sorted(
            {self._all[hit] for haystack in haystacks for data in unpacked(haystack) for hit in self._any.findall(data)}
        )

    def in_values(self, values: Iterable[tuple[str, bytes]]) -> list[str]:
        """The same, of values with names."""
        return [f"{name}: {hit}" for name, value in values for hit in self.found(value)]
