"""Random command lines: done, or refused in words; never a traceback, never a secret."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import click
import hypothesis
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tasks import app
from tasks.commands.accounts import accounts
from tasks.commands.check import check
from tasks.commands.demo import demo
from tasks.commands.handlers import handlers
from tasks.commands.letters import letters
from tasks.commands.sandbox import sandbox
from tasks.commands.size import size
from tasks.commands.status import status
from tasks.commands.up import up
from tasks.commands.web import web
from tasks.platforms import Item
from tasks.runtime import Stores
from tasks.store.letters import Letter
from tests.unit.wild.guessing import ANY, EXAMPLES, NUMBERS, SECRET, TEXT, quiet, trying

RUN: dict[str, click.Command] = {each.name or "": each for each in (accounts, handlers, letters, size)}
WAITING: dict[str, click.Command] = {"status": status}
"""What waits for workers to answer."""

SERVING: dict[str, click.Command] = {each.name or "": each for each in (check, demo, sandbox, up, web)}
"""What starts or asks others: their command lines are read only."""

TOPIC = "taobao_trade_TradeBuyerPay"

WORDS = st.one_of(
    st.sampled_from(["shop", "vshop", "*", "", "-", "--", "ID", "s[h", "a/b", ".", "/dev/null", "/no/such", TOPIC]),
    NUMBERS,
    TEXT,
    ANY,
)


def options(command: click.Command) -> list[str]:
    """What may stand behind a command: its options and its subcommands with theirs."""
    own = [
        text
        for param in command.params
        if isinstance(param, click.Option)
        for text in (*param.opts, *param.secondary_opts)
    ]
    return [text for text in own if text != "--watch"] + ["--help", "--no-such"]


def lines(commands: dict[str, click.Command]) -> st.SearchStrategy[tuple[str, list[str]]]:
    """A command's name and what may follow it."""

    def following(name: str) -> st.SearchStrategy[tuple[str, list[str]]]:
        command = commands[name]
        ways: list[tuple[list[str], click.Command]] = [([], command)]
        if isinstance(command, click.Group):
            ways += [([sub], each) for sub, each in command.commands.items() if sub != "publish"]
        one = st.sampled_from(ways).flatmap(
            lambda way: st.lists(st.one_of(st.sampled_from(options(way[1])), WORDS), max_size=4).map(
                lambda words: [*way[0], *words]
            )
        )
        return st.tuples(st.just(name), one)

    return st.sampled_from(sorted(commands)).flatmap(following)


@pytest.fixture
def there(tidings: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Accounts with a secret, a letter, and an empty folder to stand in."""
    monkeypatch.setenv("TB_SECRET", SECRET)
    monkeypatch.setenv("TIDINGS_HANDLERS", "handlers")
    monkeypatch.chdir(tmp_path)
    item = Item("", "1", TOPIC, '{"tid": 1}')
    tidings.letters.bury(Letter(item, "taobao", "shop", "no😀\ud83d", names=("a",)))
    return iter(())


@pytest.mark.parametrize(("commands", "share"), [(RUN, 1), (WAITING, 20)], ids=["quick", "waiting"])
def test_a_command_line_is_done_or_refused_in_words(
    there: None, commands: dict[str, click.Command], share: int
) -> None:
    @hypothesis.settings(trying, max_examples=max(EXAMPLES // share, 3))
    @given(lines(commands))
    def tried(line: tuple[str, list[str]]) -> None:
        name, words = line
        if "replay" in words:
            words = [*words, "--no-wait"]
        done = CliRunner().invoke(commands[name], words, obj=SimpleNamespace(app=app), env=dict(os.environ))
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        quiet(done.output)

    tried()


def test_a_command_line_that_is_no_utf_8_is_told(there: None) -> None:
    done = CliRunner().invoke(letters, ["list", "shop\udcff"])
    assert done.exit_code == 2
    assert "what was typed is not UTF-8: shop\\udcff" in done.output


def test_a_command_line_of_what_serves_is_read_or_refused_in_words(there: None) -> None:
    @trying
    @given(lines(SERVING))
    def tried(line: tuple[str, list[str]]) -> None:
        name, words = line
        try:
            with CliRunner().isolation():
                SERVING[name].make_context(name, list(words))
        except (click.ClickException, click.exceptions.Exit) as refused:
            quiet(refused)

    tried()
