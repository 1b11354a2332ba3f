"""Task messages are what kombu would write and read."""

import json
import math
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu import serialization
from kombu.utils import json as kombu_json

import tasks.plumbing.app  # noqa: F401 - has Celery read by it
from tasks.plumbing.fast_json import dumps, loads

TEXTS = st.text(st.characters(exclude_categories=()))  # with halves of characters
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda some: st.lists(some) | st.dictionaries(TEXTS, some),
)


@given(VALUES)
def test_whatever_is_written_is_read_by_kombu_and_the_other_way_round(value: Any) -> None:
    assert kombu_json.loads(dumps(value).encode()) == value
    assert loads(kombu_json.dumps(value)) == loads(kombu_json.dumps(value).encode()) == value


def test_chinese_is_written_as_it_is_and_half_a_character_too() -> None:
    assert dumps({"content": "支付"}) == '{"content":"支付"}'
    half = {"content": "支付\ud800"}
    assert json.loads(dumps(half).encode()) == half


@pytest.mark.parametrize("value", [datetime(2026, 1, 2), b"bytes", math.inf, 10**30, "\ud83d"])  # noqa: DTZ001 - as it travels
def test_celery_reads_what_json_has_no_type_for(value: object) -> None:
    assert serialization.loads(kombu_json.dumps([value]), "application/json", "utf-8") == [value]


@pytest.mark.parametrize("text", ["", "{", "[1] 2", '"a\tb"', "01", "nil", "\ufeff1", "\ud83d"])
def test_what_is_no_json_is_refused_as_kombu_does(text: str) -> None:
    with pytest.raises(ValueError) as ours:  # noqa: PT011 - the kind is compared
        loads(text)
    with pytest.raises(ValueError) as theirs:  # noqa: PT011
        kombu_json.loads(text)
    assert ours.type is theirs.type
