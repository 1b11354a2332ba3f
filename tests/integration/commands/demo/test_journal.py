"""The journal of the demo's handlers."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tasks.commands.demo.journal import Journal

LINES = 200


def write(folder: Path, account: str) -> int:
    """Append many lines, and count the names that this process was first to ask for."""
    journal = Journal(folder)
    for number in range(LINES):
        journal.write(account, "a topic", str(number))
    return sum(journal.first(str(number)) for number in range(LINES))


def test_lines_of_many_processes_do_not_mix_and_one_of_them_is_first(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        firsts = list(pool.map(write, [tmp_path] * 4, ["a", "b", "c", "d"]))
    entries = Journal(tmp_path).new()
    assert sum(firsts) == LINES
    assert sorted((entry.account, int(entry.id)) for entry in entries) == [(a, n) for a in "abcd" for n in range(LINES)]


def test_each_look_brings_what_is_new_and_half_a_line_waits_for_its_rest(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.new() == []
    journal.write("shop-1", "topic", "1")
    assert [entry.id for entry in journal.new()] == ["1"]
    journal.write("shop-1", "topic", "2")
    whole = (tmp_path / "journal").read_bytes()
    (tmp_path / "journal").write_bytes(whole[:-10])
    assert journal.new() == []
    (tmp_path / "journal").write_bytes(whole)
    assert [entry.id for entry in journal.new()] == ["2"]
