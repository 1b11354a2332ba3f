"""handlers.database as a worker starts with it: what it registers, and what it says when it cannot be used."""

import os
import subprocess
import sys
from pathlib import Path

SHOW = """
import sys
from handlers.errors import HandlersError
from handlers.loading import load
from handlers.registry import registry
try:
    load(["handlers.database", *sys.argv[1:]])
except HandlersError as error:
    sys.exit(f"{type(error).__name__}: {error}")
for topic in ("taobao_trade_TradeCreate", "taobao_trade_TradeRated", "qianmi_x"):
    found = registry.find(topic)
    print(topic, found.name if found else None)
"""

SHOP = """
from handlers import handles

@handles("taobao_trade_TradeRated")
def on_rated(content: dict) -> None: ...
"""


def started(folder: Path, *arguments: str, hidden: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """What a process says that loads it, `hidden` being a module that is not installed."""
    code = f"import sys; sys.modules[{hidden!r}] = None\n{SHOW}" if hidden else SHOW
    (folder / "shop.py").write_text(SHOP)
    env = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
    paths = os.pathsep.join([str(folder), str(Path.cwd())])
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
        env={**env, "PYTHONPATH": paths, **variables},
    )


def test_it_takes_what_no_exact_handler_of_the_users_takes_and_makes_nothing_yet(tmp_path: Path) -> None:
    done = started(tmp_path, "shop")
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "taobao_trade_TradeCreate handlers.database.on_message",
        "taobao_trade_TradeRated shop.on_rated",
        "qianmi_x handlers.database.on_message",
    ]
    assert not (tmp_path / "tidings.db").exists()


def test_it_takes_the_topics_that_it_is_told(tmp_path: Path) -> None:
    topics = "taobao_trade_TradeCreate, taobao_trade_TradeRated"
    done = started(tmp_path, TIDINGS_DATABASE_TOPICS=topics, TIDINGS_DATABASE_URL="postgresql://u:hush@127.0.0.1:1/n")
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["handlers.database.on_message"] * 2 + ["None"]


def test_without_its_libraries_it_tells_how_to_install_them(tmp_path: Path) -> None:
    done = started(tmp_path, hidden="sqlalchemy")
    assert done.returncode == 1
    assert done.stderr == "NotLoaded: handlers.database needs sqlalchemy: pip install 'tidings[database]'\n"
