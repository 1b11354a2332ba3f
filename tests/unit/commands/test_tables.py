"""Tables that fit a terminal."""

import pytest
from rich.cells import cell_len

from tasks.commands.tables import ALWAYS, Column, lines

Row = dict[str, object]


def column(name: str, wanted: int, *, number: bool = True) -> Column[Row]:
    return Column(name, lambda row: row[name], wanted, number)


COLUMNS = [
    column("account", 99, number=False),
    column("first", 2),
    column("second", 3),
    column("third", 1),
    column("note", 99, number=False),
]


def row(**cells: object) -> Row:
    return {"account": "shop", "first": 1, "second": 22, "third": 333, "note": "", **cells}


def test_in_a_pipe_every_column_and_every_character_is_there() -> None:
    head, line = lines(COLUMNS, [row(account="a" * 100, note="n" * 120)], None)
    assert head.split() == ["account", "first", "second", "third", "note"]
    assert line.split() == ["a" * 100, "1", "22", "333", "n" * 120]


def test_numbers_end_below_each_other() -> None:
    assert lines(COLUMNS[:3], [row(), row(first=12345, second=7)], None)[1:] == [
        "shop         1      22",
        "shop     12345       7",
    ]


@pytest.mark.parametrize(
    ("width", "heads"),
    [
        (60, ["account", "first", "second", "third", "note"]),
        (59, ["account", "first", "second", "note"]),
        (52, ["account", "second", "note"]),
        (45, ["account", "note"]),
    ],
)
def test_the_least_wanted_columns_give_way_first(width: int, heads: list[str]) -> None:
    found = lines(COLUMNS, [row(account="a" * 60, note="n" * 120)], width)
    assert found[0].split() == heads
    assert all(cell_len(line) <= width for line in found)


def test_a_column_that_says_nothing_gives_way_before_all_others() -> None:
    found = lines(COLUMNS, [row(account="a" * 60, second="-", note="n" * 120)], 59)
    assert found[0].split() == ["account", "first", "third", "note"]


def test_what_is_always_wanted_stays_and_name_and_note_are_cut_instead() -> None:
    columns = [COLUMNS[0], column("first", ALWAYS), column("second", 3), COLUMNS[-1]]
    (head, line) = lines(columns, [row(account="a" * 60, first="1" * 40, note="n" * 120)], 80)
    assert head.split() == ["account", "first", "note"]
    assert line == "a" * 15 + "…  " + "1" * 40 + "  " + "n" * 19 + "…"


@pytest.mark.parametrize("width", range(40, 240, 7))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    rows = [row(account="店" * 40, note="说" * 90), row(account="a" * 100, first=10**9), row()]
    assert all(cell_len(line) <= width for line in lines(COLUMNS, rows, width))


def test_a_long_name_gets_what_short_notes_leave() -> None:
    assert lines(COLUMNS, [row(account="a" * 40)], 80)[1].split()[0] == "a" * 40


def test_nothing_that_a_terminal_acts_on_is_printed() -> None:
    (_, line) = lines(COLUMNS, [row(account="\x1b[2J", note="[red]\u202e\r\n\x07")], None)
    assert line.isprintable()
    assert "\\x1b[2J" in line
    assert "[red]\\u202e\\r\\n\\x07" in line


def test_without_rows_there_is_a_head() -> None:
    assert len(lines(COLUMNS, [], 80)) == 1


def test_columns_line_up_also_under_wide_characters() -> None:
    found = lines(COLUMNS[:2], [row(account="店铺"), row(account="a")], None)
    assert found == ["account  first", "店铺         1", "a            1"]


def test_a_note_that_is_too_long_is_cut_with_a_sign_of_it() -> None:
    two = [COLUMNS[0], COLUMNS[-1]]
    assert lines(two, [row(account="x" * 30, note="y" * 50)], 60)[1] == "x" * 30 + "  " + "y" * 27 + "…"
    assert lines(two, [row(account="x" * 30, note="y" * 50)], 10)[1] == "x" * 15 + "…  " + "y" * 19 + "…"
