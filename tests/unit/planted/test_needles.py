"""What looks for planted texts finds them, however they are written."""

import base64
import gzip
import json
import zlib
from html import escape
from urllib.parse import quote, quote_plus

import pytest

from tests.end_to_end.planted.needles import Needles

BUYER, SECRET = "欧阳测试甲", "p@ss:w/rd&Ünı"
LOOKING = Needles({"buyer": BUYER, "secret": SECRET})
WRITTEN = {
    "utf-8": BUYER.encode(),
    "gbk": BUYER.encode("gbk"),
    "utf-16": BUYER.encode("utf-16-be"),
    "json": json.dumps({"a": BUYER}).encode(),
    "json in json": json.dumps(json.dumps({"a": BUYER})).encode(),
    "repr of bytes": repr(BUYER.encode()).encode(),
    "percent": quote(BUYER).encode(),
    "small percent": quote(SECRET, safe="").lower().encode(),
    "plus": quote_plus(SECRET).encode(),
    "gbk percent": quote(BUYER, encoding="gbk").encode(),
    "hex": BUYER.encode().hex().encode(),
    "html": escape(SECRET).encode(),
    "entities": BUYER.encode("ascii", "xmlcharrefreplace"),
    "gzip": gzip.compress(BUYER.encode()),
    "zlib": zlib.compress(b"xx" + BUYER.encode()),
    "gzip in base64": base64.b64encode(gzip.compress(b"some more text around " + BUYER.encode())),
    **{f"base64 at {n}": base64.b64encode(b"x" * n + BUYER.encode() + b"yyy") for n in range(6)},
    **{f"base64 of json at {n}": base64.b64encode(b"x" * n + json.dumps(BUYER).encode() + b"y" * n) for n in range(4)},
    **{f"base64url at {n}": base64.urlsafe_b64encode(b"\xff" * n + SECRET.encode()) for n in range(3)},
}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_planted_text_is_found_however_it_is_written(how: str) -> None:
    assert LOOKING.found(b"before " + WRITTEN[how] + b" after") or LOOKING.found(WRITTEN[how])


def test_nothing_is_found_where_nothing_is() -> None:
    assert not LOOKING.found(b"a log line of shop-1", base64.b64encode(bytes(range(256)) * 20), "欧阳".encode())
