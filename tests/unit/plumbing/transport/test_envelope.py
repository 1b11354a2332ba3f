"""Messages are what kombu would write and read, bodies included."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.transport import virtual
from kombu.utils import json as kombu_json

from tasks.plumbing.transport.envelope import BASE64, for_kombu, read, written

ENCODED = virtual.Base64()


def message(body: Any, encoding: str | None = BASE64) -> dict[str, Any]:
    return {
        "body": body,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"task": "tidings.handle"},
        "properties": {"body_encoding": encoding, "delivery_info": {"routing_key": "handle"}},
    }


@given(st.binary(max_size=200))
def test_whatever_is_written_is_read_by_kombu_and_the_other_way_round(body: bytes) -> None:
    theirs = message(ENCODED.encode(body))
    assert kombu_json.loads(written(message(body))) == theirs
    assert for_kombu(message(body)) == theirs
    assert read(kombu_json.dumps(theirs).encode()) == message(body)
    assert read(written(message(body))) == message(body)


@pytest.mark.parametrize(
    "theirs", [message("QUJD", None), message("QUJD", "utf-8"), message('{"a":"支付"}', None), message({"a": 1}, None)]
)
def test_a_body_that_is_no_base64_stays_as_it_is(theirs: dict[str, Any]) -> None:
    assert read(kombu_json.dumps(theirs).encode()) == read(written(theirs)) == theirs


@pytest.mark.parametrize(
    "odd", [[], {}, 7, None, {"body": "QUJD"}, {"body": 7, "properties": {}}, message("no base64")]
)
def test_what_kombu_would_not_write_is_read_as_the_json_that_it_is(odd: Any) -> None:
    assert read(json.dumps(odd).encode()) == odd


def test_half_a_character_in_a_header_is_escaped() -> None:
    sent = message(b"body")
    sent["headers"]["kwargsrepr"] = "\ud83d"
    assert read(written(sent))["headers"] == sent["headers"]
    assert kombu_json.loads(written(sent)) == for_kombu(sent)
