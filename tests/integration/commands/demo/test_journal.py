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
        journal.write(account, str(number))
    return sum(journal.first(str(number)) for number in range(LINES))


def test_lines_of_many_processes_do_not_mix_and_one_of_them_is_first(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        firsts = list(pool.map(write, [tmp_path] * 4, ["a", "b", "c", "d"]))
    assert sum(firsts) == LINES
    handled = Journal(tmp_path).handled()
    assert sorted((account, int(id_)) for account, id_ in handled) == [(a, n) for a in "abcd" for n in range(LINES)]
    assert {len(times) for times in handled.values()} == {1}


def test_each_look_brings_what_is_new_and_half_a_line_waits_for_its_rest(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert list(journal.handled()) == []
    journal.write("shop-1", "1")
    assert list(journal.handled()) == [("shop-1", "1")]
    journal.write("shop-1", "2")
    whole = (tmp_path / "journal").read_bytes()
    (tmp_path / "journal").write_bytes(whole[:-10])
    assert list(journal.handled()) == [("shop-1", "1")]
    (tmp_path / "journal").write_bytes(whole)
    journal.write("shop-1", "1")
    assert [len(times) for times in journal.handled().values()] == [2, 1]
