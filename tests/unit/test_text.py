"""Text from outside, shown."""

from tasks.text import shown


def test_what_a_terminal_acts_on_is_escaped() -> None:
    assert shown("a\x1b[31m\nb\r\u202ec\x00") == "a\\x1b[31m\\nb\\r\\u202ec\\x00"


def test_long_text_is_cut() -> None:
    assert len(shown("x" * 10_000)) == 120


def test_chinese_stays_as_it_is() -> None:
    assert shown("非法的参数") == "非法的参数"
