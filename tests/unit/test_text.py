"""Text from outside, shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.text import masked, plain, shown, unplain


def test_what_a_terminal_acts_on_is_escaped() -> None:
    assert shown("a\x1b[31m\nb\r\u202ec\x00") == "a\\x1b[31m\\nb\\r\\u202ec\\x00"


def test_long_text_is_cut() -> None:
    assert len(shown("x" * 10_000)) == 120


def test_chinese_stays_as_it_is() -> None:
    assert shown("非法的参数") == "非法的参数"


@given(st.text(st.characters()))
def test_plain_text_is_printable_and_reads_back_as_it_was(text: str) -> None:
    assert plain(text).isascii()
    assert plain(text).isprintable()
    assert unplain(plain(text)) == text


def test_the_ids_that_platforms_use_stay_as_they_are() -> None:
    assert plain("MU20150428094534689") == "MU20150428094534689"
    assert plain("7104300007405429232") == "7104300007405429232"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://:hunter2@127.0.0.1:6379/0", "redis://***@127.0.0.1:6379/0"),
        ("rediss://me:hunter2@host/1?ssl_cert_reqs=required", "rediss://***@host/1?ssl_cert_reqs=required"),
        ("redis://me:hunter@2@host/1", "redis://***@host/1"),
        ("unix:///run/redis.sock?db=1&password=hunter2", "unix:///run/redis.sock?db=1&password=***"),
        (
            "sentinel://:hunter2@a:26379;sentinel://:hunter2@b/0?master=m",
            "sentinel://***@a:26379;sentinel://***@b/0?master=m",
        ),
        ("amqp://guest:hunter2@rabbit//", "amqp://***@rabbit//"),
        ("Error 111 connecting to redis://:hunter2@host:1.", "Error 111 connecting to redis://***@host:1."),
        *((f"redis://me:hunter{odd}hunter2@host/1", "redis://***@host/1") for odd in "#/?[]@ &;%:'\"=中"),
        ("amqp://me:hunter/#2@a;amqp://me:hunter?2@b//", "amqp://***@a;amqp://***@b//"),
        ("redis://h/0?password=hunter&hunter2;hunter", "redis://h/0?password=***"),
    ],
)
def test_who_logs_in_and_with_what_is_never_shown(url: str, expected: str) -> None:
    assert masked(url) == expected
    assert "hunter" not in masked(url)
