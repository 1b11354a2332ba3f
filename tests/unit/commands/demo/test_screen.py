"""What the demo shows."""

import io
import time
from dataclasses import replace

from rich.console import Console

from tasks.commands.demo.cast import CAST
from tasks.commands.demo.screen import final, screen
from tasks.commands.demo.verdict import Sums
from tasks.commands.demo.watch import Now
from tasks.rules.circuit_breaker import Pause

TAOBAO, VVTOOL = CAST[0], CAST[-1]
START = Now(TAOBAO, published=500, delivered=0, handled=0, buried=0, confirmed=0, open=False, pause=None)


def shown(accounts: list[Now], *, terminal: bool) -> str:
    """What stands on an 80 columns wide screen."""
    out = io.StringIO()
    with screen(Console(file=out, force_terminal=terminal, width=80, color_system=None)) as on:
        on.tell("the curtain [rises]")
        on.show(accounts)
        on.show(accounts)
    return out.getvalue()


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_a_terminal_shows_each_account_with_what_waits() -> None:
    text = shown([replace(START, handled=20, buried=2, confirmed=7)], terminal=True)
    assert ["shop-1", "taobao", "500", "20", "7", "2", "493"] in words(text)
    assert "the curtain [rises]" in text


def test_a_paused_account_is_shown_as_paused_and_a_finished_one_as_done() -> None:
    paused = replace(START, pause=Pause(time.time() + 60, "27: expired"))
    done = Now(VVTOOL, published=2, delivered=2, handled=1, buried=1, confirmed=None, open=False, pause=None)
    text = shown([paused, done], terminal=True)
    assert ["shop-1", "taobao", "500", "0", "0", "0", "500", "paused"] in words(text)
    assert ["mall-2", "vvtool", "2", "1", "-", "1", "0", "done"] in words(text)


def test_what_the_inbox_still_holds_is_not_done() -> None:
    held = Now(VVTOOL, published=2, delivered=2, handled=2, buried=0, confirmed=None, open=True, pause=None)
    assert not held.over
    assert replace(held, open=False).over


def test_elsewhere_a_line_tells_the_sums_now_and_then() -> None:
    text = shown([replace(START, handled=20, confirmed=7), replace(START, buried=3)], terminal=False)
    assert text.count("handled 20  confirmed 7  buried 3  waiting 993") == 1
    assert "\x1b" not in text


def test_the_last_table_has_all_sums_in_80_columns() -> None:
    out = io.StringIO()
    Console(file=out, width=80).print(
        final({TAOBAO: Sums(published=5, handled=5, confirmed=5), VVTOOL: Sums(published=7, lost=1)})
    )
    assert "…" not in out.getvalue()
    assert ["mall-2", "vvtool", "7", "0", "-", "0", "0", "1", "0", "0"] in words(out.getvalue())
    assert ["all", "12", "5", "5", "0", "0", "1", "0", "0"] in words(out.getvalue())
