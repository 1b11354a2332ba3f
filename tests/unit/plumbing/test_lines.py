"""What handlers print goes into the log line by line."""

import logging

import pytest

from tasks.plumbing.lines import LONGEST, Lines

log = logging.getLogger("printed")


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING)
    return caplog


def test_a_print_is_one_line_of_log_however_many_words_it_has(said: pytest.LogCaptureFixture) -> None:
    print("paid", 3, "times", file=Lines(log, "WARNING"))
    assert said.messages == ["paid 3 times"]


def test_each_line_is_one_and_empty_ones_are_none(said: pytest.LogCaptureFixture) -> None:
    print("one\ntwo\n\n", file=Lines(log, "WARNING"))
    assert said.messages == ["one", "two"]


def test_what_has_not_ended_waits_for_its_end_or_for_a_flush(said: pytest.LogCaptureFixture) -> None:
    lines = Lines(log, "WARNING")
    lines.write("half ")
    assert said.messages == []
    lines.write("a line\nand ")
    assert said.messages == ["half a line"]
    lines.flush()
    assert said.messages[1:] == ["and "]


def test_a_line_without_an_end_is_logged_in_pieces(said: pytest.LogCaptureFixture) -> None:
    Lines(log, "WARNING").write("x" * (LONGEST + 1))
    assert len(said.messages) == 1
