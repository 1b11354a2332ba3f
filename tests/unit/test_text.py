"""Text from outside, shown."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.text import plain, shown, unplain


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
