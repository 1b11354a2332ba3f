"""What is JSON to the letter is read the quick way, and as the slow one would read it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.platforms import jsontext
from tasks.platforms.errors import MalformedReply

TEXTS = st.text(max_size=9)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38), 10**38)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda some: st.lists(some, max_size=3) | st.dictionaries(TEXTS, some, max_size=3),
    max_leaves=6,
)
ODD = (
    b'{"a":1,"a":2}',
    b'{"a":-0,"b":-0.0,"c":9007199254740993.0,"d":0.1e-400}',
    b'{"a":1e400}',
    b'{"a":"x\ny\x00"}',
    b'\xef\xbb\xbf{"a":1}',
    b'{"a":"\xff"}',
    b'{"a":"\xed\xa0\x80"}',
    b'{"a":"\\ud800 \\ud83d\\ude00"}',
    b'{"a":"\\q"}',
    b' {"a":1} \n',
)
"""Not all of it JSON to the letter."""


@given(st.dictionaries(TEXTS, VALUES, max_size=3))
def test_any_object_is_read_as_it_was_written(value: dict[str, Any]) -> None:
    assert jsontext.decode(json.dumps(value).encode()) == value
    assert jsontext.decode(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize("body", ODD)
def test_what_is_odd_is_read_as_before(body: bytes) -> None:
    slow = json.JSONDecoder(strict=False).decode(jsontext.text(body).replace("\\q", "\\\\q"))
    assert repr(jsontext.decode(body)) == repr(slow)


@pytest.mark.parametrize("body", [b"", b'{"a":1} x', b'{"a":01}', b"[1]", b'{"a":' * 100_000])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedReply):
        jsontext.decode(body)


def test_half_characters_are_replaced_and_bytes_that_are_no_text_refused() -> None:
    assert jsontext.sound("支付\ud83d\ude00 \ud800") == "支付\U0001f600 \ufffd"
    with pytest.raises(ValueError, match="no UTF-8"):
        jsontext.sound("支付\udcff")
