"""Whatever a terminal speaks, what it cannot show ends no command."""

import io
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tasks import app, runtime
from tasks.commands.accounts import accounts
from tasks.commands.check import check
from tasks.commands.handlers import handlers
from tasks.commands.letters import letters
from tasks.commands.sandbox import sandbox
from tasks.commands.status import status
from tasks.platforms import Item
from tasks.runtime import Stores
from tasks.store.letters import Letter

SHOP = "店铺😀é"
ACCOUNTS = f"""
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
[accounts."{SHOP}"]
gateway = "tb"
"""
COMMANDS: list[tuple[Any, ...]] = [
    (status,),
    (accounts, "list"),
    (accounts, "show", SHOP),
    (accounts, "pause", SHOP),
    (letters, "list"),
    (letters, "list", "--groups"),
    (letters, "show", "ID"),
    (letters, "list", "--account", "nobody-😀"),
    (letters, "no-such-😀"),
    (handlers, "list"),
    (check,),
    (sandbox, "accounts"),
]


@pytest.fixture
def letter(tidings: Stores, tmp_path: Path) -> str:
    """The id of a letter whose every text is a trial for a terminal."""
    (tmp_path / "accounts.toml").write_text(ACCOUNTS, "utf-8")
    runtime.accounts_source.cache_clear()
    content = '{"note": "😀 \\ud83d 表"}'
    item = Item("", "编号\ud83d😀", "topic😀", content + "\ud83d")
    return tidings.letters.bury(
        Letter(item, "taobao", SHOP, "理由😀\ud83d ™", traceback="Trace😀\ud83d\n", names=("a",))
    )


@pytest.mark.parametrize("encoding", ["gbk", "ascii", "latin-1", "utf-8"])
def test_what_cannot_be_shown_is_escaped(letter: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for command, *words in COMMANDS:
        written = io.BytesIO()
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, io.TextIOWrapper(written, encoding=encoding, write_through=True))
        with pytest.raises(SystemExit):
            command.main([letter if word == "ID" else word for word in words], obj=SimpleNamespace(app=app))
        assert written.getvalue(), (command.name, words)
        assert b"Traceback (most" not in written.getvalue()


def test_a_terminal_in_gbk_shows_the_accounts(letter: str, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONIOENCODING": "gbk", "TIDINGS_HANDLERS": "handlers"}
    command = [sys.executable, "-m", "celery", "-A", "tasks", "accounts", "list"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "店铺\\U0001f600é".encode("gbk") in done.stdout
