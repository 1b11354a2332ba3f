"""The papers: every command line in them is one that there is, and those that end are run; tables say what the code does."""

import re
import shlex
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
from celery.bin.base import CLIContext
from celery.bin.celery import celery
from click.testing import CliRunner

from tasks import app, runtime
from tasks.commands.sentences import Sentence
from tasks.platforms import qianmi, taobao, vvtool
from tasks.platforms.base import Item
from tasks.platforms.faults import Said, Table, Whom
from tasks.runtime import Stores
from tasks.store.letters import Letter
from tests.integration.conftest import ACCOUNTS

ROOT = Path(__file__).parents[2]
PAPERS = (ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").rglob("*.md")))

Words = tuple[str, ...]

BEGINNINGS = (("celery", "-A", "tasks"), (".venv/bin/celery", "-A", "tasks"), ("tidings",), (".venv/bin/tidings",))
ENDS = {"|", "||", "&", "&&", ";", ">", ">>", "<", "2>", ")", "("}

RUNNING_ON = {"worker", "beat", "flower", "up", "demo", "web", "sandbox", "inspect", "control"}
"""Commands that go on until they are stopped, or speak to such: that their words are right is all that is tried here."""

CELERYS = {"worker", "beat", "flower", "inspect", "control"}

WAITING = {"replay", "poll", "export"}
"""They wait for workers, or print what others read; tests of their own run them."""

OURS = {"accounts", "check", "handlers", "letters", "size", "status"}

SHOP = ACCOUNTS.replace("accounts.shop]", "accounts.shop-1]")
LETTER = Letter(
    Item("", "1", "taobao_trade_TradeBuyerPay", '{"tid": 1}'), "taobao", "shop-1", "no such shop", names=("app", "1")
)


def lines(text: str) -> Iterator[str]:
    """What stands in fenced blocks of a shell, a line each."""
    for block in re.findall(r"^```(?:sh|console|bash)?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield from block.replace("\\\n", " ").splitlines()


def spans(text: str) -> Iterator[str]:
    """What stands in code spans."""
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


def commands(line: str) -> Iterator[Words]:
    """The words after `celery -A tasks` or `tidings` of each command in a line of a shell, without what stands for more (…)."""
    reader = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|&;<>()")
    reader.whitespace_split, reader.commenters = True, "#"
    try:
        words = list(reader)
    except ValueError:
        return
    for start in range(len(words)):
        for beginning in BEGINNINGS:
            before = words[start - 1] if start else ";"
            if (before in ENDS or "=" in before) and tuple(words[start : start + len(beginning)]) == beginning:
                rest = words[start + len(beginning) :]
                until = next((place for place, word in enumerate(rest) if word in ENDS), len(rest))
                yield tuple(word for word in rest[:until] if "…" not in word)


def found(parts: Callable[[str], Iterator[str]]) -> dict[Words, str]:
    """Every command that the papers tell in such parts of theirs, and the first paper that does."""
    told: dict[Words, str] = {}
    for paper in PAPERS:
        for line in parts(paper.read_text(encoding="utf-8")):
            for words in commands(line):
                if words and re.fullmatch(r"[a-z]+", words[0]):
                    told.setdefault(words, paper.name)
    return told


TOLD, MENTIONED = found(lines), found(spans)
ENDING = {words: paper for words, paper in TOLD.items() if words[0] in OURS and not {"--watch", *WAITING} & {*words}}


def command(name: str) -> click.Command:
    """One of our commands, or of Celery's."""
    if name in OURS | {"up", "demo", "web", "sandbox"}:
        made: click.Command = getattr(import_module(f"tasks.commands.{name}"), name)
        return made
    return celery.commands[name]


def parsed(made: click.Command, words: Words) -> None:
    """Raises `click.UsageError` for what the command, or one below it, does not know."""
    if words[0] not in OURS | RUNNING_ON - CELERYS:
        options = {option for param in made.params for option in param.opts}
        assert words[0] == "flower" or {word for word in words[1:] if re.match(r"--?[a-zA-Z]", word)} <= options
        return
    context = made.make_context(words[0], [*words[1:]])
    if isinstance(made, click.Group) and (rest := (*context._protected_args, *context.args)):
        parsed_below(made, context, rest)


def parsed_below(made: click.Group, context: click.Context, words: Words) -> None:
    below = made.get_command(context, words[0])
    assert below, f"there is no {words[0]}"
    below.make_context(words[0], [*words[1:]], parent=context)


@pytest.fixture
def shop(tidings: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stores:
    """An installation with the account and a letter that the papers speak of."""
    (tmp_path / "accounts.toml").write_text(SHOP)
    runtime.accounts_source.cache_clear()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "paid.json").write_text("{}")
    tidings.letters.bury(LETTER)
    return tidings


def test_the_papers_are_read() -> None:
    assert len(TOLD) > 30
    assert {"worker", "beat", "status", "check", "letters", "accounts"} <= {words[0] for words in TOLD}
    assert len(MENTIONED) > 10
    assert list(commands("A=1 celery -A tasks check && tidings status --watch  # both")) == [
        ("check",),
        ("status", "--watch"),
    ]


@pytest.mark.parametrize("words", TOLD, ids=" ".join)
def test_a_command_line_in_a_paper_is_one_that_there_is(words: Words, shop: Stores) -> None:
    try:
        parsed(command(words[0]), words)
    except click.UsageError as error:
        pytest.fail(f"{TOLD[words]}: {' '.join(words)}: {error.format_message()}")


@pytest.mark.parametrize("words", MENTIONED, ids=" ".join)
def test_a_command_that_a_paper_mentions_is_one_that_there_is(words: Words) -> None:
    made = command(words[0])
    if isinstance(made, click.Group) and words[1:] and re.fullmatch("[a-z]+", words[1]):
        assert made.get_command(click.Context(made), words[1]), f"{MENTIONED[words]}: {' '.join(words)}"


@pytest.mark.parametrize("words", ENDING, ids=" ".join)
def test_a_command_line_that_ends_ends_well(words: Words, shop: Stores) -> None:
    yes = ["--yes"] if words[:2] == ("letters", "drop") and "--yes" not in words else []
    done = CliRunner().invoke(command(words[0]), [*words[1:], *yes], obj=CLIContext(app, no_color=True, workdir=None))
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code in {0, 1}, done.output  # 1: there is something to do, or nothing of what was asked for
    assert "Traceback" not in done.output


def kinds(table: Table) -> Iterator[tuple[str, str, str]]:
    """Code, kind of error and whom it concerns, of each code of a platform."""
    for code, fault in table.codes.items():
        error = fault(Said(code), Whom("gateway"))
        yield code, type(error).__name__, error.scope
    for code, fault in table.sub_codes.items():
        error = fault(Said("", code), Whom("gateway"))
        yield f"`{code}`", type(error).__name__, error.scope


@pytest.mark.parametrize(("module", "heading"), [(taobao, "Taobao"), (qianmi, "Qianmi"), (vvtool, "vv-tool")])
def test_the_page_of_platforms_tells_every_code(module: Any, heading: str) -> None:
    page = (ROOT / "docs" / "platforms.md").read_text(encoding="utf-8")
    (part,) = (part for part in page.split("\n## ") if part.startswith(heading))
    rows = re.findall(r"^\| (\S+) \| [^|]+ \| (\w+) \| (\w+) \|$", part, re.MULTILINE)
    known = {row for row in kinds(module.TABLE) if not (module is taobao and row[0].isdigit() and int(row[0]) >= 500)}
    assert {*rows} - {("code", "kind", "whom")} == known


def test_the_readme_in_chinese_has_every_heading_and_every_setting_of_the_other() -> None:
    ours, theirs = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))
    assert ours.count("\n## ") <= theirs.count("\n## ")
    settings = re.compile(r"^\| (`TIDINGS_\w+`) \| ([^|]*) \|", re.MULTILINE)
    assert settings.findall(theirs) == settings.findall(ours) != []
    typed = [{words for line in lines(each) for words in commands(line)} for each in (ours, theirs)]
    assert {words[:2] for words in typed[0]} <= {words[:2] for words in typed[1]}


def test_the_page_on_operating_quotes_what_status_says() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    marks = page.partition("## What a mark")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", marks, re.MULTILINE)
    said = {re.sub(r"%\(\w+\)s", "…", text) for sentence in Sentence for text in sentence.texts}
    parts = [part.strip(" :,") for row in rows[2:] for quote in row.split(" / ") for part in quote.split("…")]
    assert len(parts) > 20
    assert not [part for part in parts if not any(part in text for text in said)]


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_a_readme_has_without_make_what_make_does(readme: str) -> None:
    text, make = ((ROOT / name).read_text(encoding="utf-8") for name in (readme, "Makefile"))
    (started,) = re.findall(r"\$\(BIN\)/python -m pytest -q (.+)", make)
    (extras,) = re.findall(r"^EXTRAS := (.+)$", make, re.MULTILINE)
    assert f".venv/bin/python -m pytest {started}\n" in text
    assert f"-c constraints.txt -e '.[{extras}]'\n" in text


def told_in(text: str) -> set[str]:
    """What a text tells in code spans, figures and links, which no translation changes."""
    prose = re.sub(r"^```.*?^```$|`[^`\n]+`", "", text, flags=re.MULTILINE | re.DOTALL)
    return {*spans(text), *re.findall(r"\d+(?:[.,]\d+)*", prose), *re.findall(r"\]\(([^)]+)\)", prose)}


def test_the_readme_in_chinese_leaves_nothing_out() -> None:
    ours, theirs = (told_in((ROOT / name).read_text(encoding="utf-8")) for name in ("README.md", "README.zh-CN.md"))
    assert ours - theirs == {"README.zh-CN.md"}
