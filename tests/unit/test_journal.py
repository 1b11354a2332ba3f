"""What a test reads of a file while others write to it."""

from pathlib import Path

from tests.journal import whole_lines


def test_a_line_that_is_being_written_is_not_there_yet(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    assert whole_lines(journal) == []
    journal.write_bytes(b'["handled"]\n["ha' + "店".encode()[:1])
    assert whole_lines(journal) == ['["handled"]']
