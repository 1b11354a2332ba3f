"""`celery -A tasks handlers sample` and `try`: no Redis, no platform, the user's own handlers."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handlers.registry import registry
from handlers.topics import MODELS
from tasks import runtime
from tasks.address.home import Remembered, remember
from tasks.commands.handlers import handlers as command
from tasks.settings import settings
from tests import ROOT, ready
from tests.integration.commands.running import Said, run, run_forking

PAID = "taobao_trade_TradeBuyerPay"
HEAD = """
from handlers import Message, Reject, Retry, handles
from handlers.trade import TradeBuyerPay
"""

Shop = Callable[[str], Path]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Writes a module of handlers, which is what TIDINGS_HANDLERS names; nothing else is registered, and no Redis is there."""
    monkeypatch.setattr(registry, "_handlers", {})
    monkeypatch.setattr(registry, "_found", {})
    monkeypatch.setattr(registry.resources, "_known", dict(registry.resources._known))
    monkeypatch.setenv("TIDINGS_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("TIDINGS_HANDLERS", "shop_of_this_test")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shop_of_this_test", raising=False)

    def write(text: str) -> Path:
        path = tmp_path / "shop_of_this_test.py"
        path.write_text(HEAD + text)
        return path

    settings.cache_clear()
    runtime.registry.cache_clear()
    yield write
    settings.cache_clear()
    runtime.registry.cache_clear()


def tried(*words: str) -> Said:
    return run_forking(command, "try", *words)


def test_what_a_pools_process_may_not_do_fails_here_too(shop: Shop, tmp_path: Path) -> None:
    shop("""
from concurrent.futures import ProcessPoolExecutor

@handles("t")
def on_t(content: str) -> None:
    with ProcessPoolExecutor(1) as pool:
        pool.submit(abs, -1).result()

@handles("waits")
async def on_waits(content: str) -> None:
    on_t(content)
""")
    (content := tmp_path / "content").write_text("x")
    said = tried("t", "--content", str(content))
    assert said.code == 1
    assert "in on_t: daemonic processes are not allowed to have children" in said.out
    assert tried("waits", "--content", str(content)).code == 0


def test_the_readmes_handler_works_as_it_stands_there(shop: Shop) -> None:
    """Who follows the README word by word has a handler that handles."""
    example = (ROOT / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
    assert example.startswith("# shop.py")
    shop(example)
    said = tried(PAID)
    assert said.code == 0, said.err
    assert said.out.startswith("paid 2900000000000000001 ")
    assert tried("qianmi_item_itemDownShelf").code == 0


def test_no_redis_is_spoken_of_as_none_is_needed(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not even after `up` was stopped in this folder."""
    shop(f"@handles('{PAID}')\ndef on_paid(content: dict) -> None: ...\n")
    monkeypatch.delenv("TIDINGS_REDIS_URL")
    monkeypatch.setenv("TIDINGS_HOME", str(tmp_path))
    remember(tmp_path, Remembered("redis://127.0.0.1:1/0", "a"))
    settings.cache_clear()
    assert tried(PAID).err == ""
    assert "does not run" in run(command, "list").err


@pytest.mark.parametrize("topic", MODELS)
def test_every_models_sample_is_printed_as_json_that_fits(topic: str) -> None:
    """Ready to be edited and handed to `try` or `publish`."""
    said = run(command, "sample", topic)
    assert (said.code, said.err) == (0, "")
    MODELS[topic].model_validate_json(said.out)


def test_a_sample_may_be_asked_for_by_the_topics_last_part() -> None:
    """Where it is one topic's alone; what has no model has no sample."""
    assert json.loads(run(command, "sample", "TradeBuyerPay").out)["payment"] == "48.00"
    said = run(command, "sample", "taobao_trade_TradeBuyerPayd")
    assert (said.code, said.out) == (1, "")
    assert said.err == (
        "Error: there is no sample of taobao_trade_TradeBuyerPayd (did you mean taobao_trade_TradeBuyerPay?), "
        "as it has no model: write its content by hand, and give it to `handlers try` with --content FILE\n"
    )
    assert run(command, "sample", "rechargeStateChange").code == 1


def test_a_handler_that_returns_has_handled(shop: Shop) -> None:
    """The sample, as the handler's model; exit code 0. Its own output shows."""
    path = shop(
        f"@handles('{PAID}')\n"
        "def on_paid(trade: TradeBuyerPay, message: Message) -> None:\n"
        "    print(trade.payment, message.topic, message.account, message.platform, message.deliveries)\n"
    )
    said = tried(PAID, "--account", "shop-1")
    assert said.code == 0
    own, told = said.out.splitlines()
    assert own == f"48.00 {PAID} shop-1 taobao 1"
    assert told.startswith(f"handled by on_paid at {path}:4 in ")
    assert tried("TradeBuyerPay").code == 0


RESOURCE = """
import asyncio
from handlers import resource
@resource
def engine(settings):
    return opened(settings)
def opened(settings):
    raise ValueError("no such place")
"""
IN_A_TASK = """
async def reserve():
    raise Reject("no such place")
async def both():
    async with asyncio.TaskGroup() as group:
        group.create_task(reserve())
"""


@pytest.mark.parametrize(
    ("handler", "own"),
    [
        ("def on_paid(content: dict, engine) -> None: ...\n", ["engine", "opened"]),
        ("async def on_paid(content: dict) -> None:\n    await both()\n", ["on_paid", "both", "reserve", "reserve"]),
    ],
)
def test_the_traceback_shows_the_users_own_code_wherever_it_broke(shop: Shop, handler: str, own: list[str]) -> None:
    """In a resource, and in a task of the handler's; none of ours on the way there."""
    shop(f"{RESOURCE}{IN_A_TASK}@handles('{PAID}')\n{handler}")
    said = tried(PAID)
    assert said.err.count("no such place") >= 1
    assert re.findall(r'shop_of_this_test.py", line \d+, in (\w+)', said.err) == own
    assert str(ROOT / "handlers") not in said.err


def test_a_files_text_is_what_the_handler_gets(shop: Shop, tmp_path: Path) -> None:
    """As it is; - is standard input."""
    shop(
        "@handles('qianmi_*')\n"
        "def on_any(content: str, message: Message) -> None:\n"
        "    print(repr(content), message.platform)\n"
    )
    (tmp_path / "content").write_text('{"n": "雨"} ', encoding="utf-8")
    assert tried("qianmi_new", "--content", str(tmp_path / "content")).out.startswith('\'{"n": "雨"} \' qianmi\n')
    done = run_forking(command, "try", "qianmi_new", "--content", "-", given="no json")
    assert (done.code, done.out.splitlines()[0]) == (0, "'no json' qianmi")


@pytest.mark.parametrize(
    ("raised", "outcome", "said"),
    [
        ("raise KeyError('stock')", "failed: KeyError at {}: 'stock'", "again"),
        ("raise Retry('stock is busy', delay=5)", "failed: Retry at {}: stock is busy, in 5 s", "again"),
        ("raise Retry", "failed: Retry at {}", "again"),
        ("raise Reject('no such shop')", "dead: Reject at {}: no such shop", "buries"),
        ("raise SystemExit(3)", "failed: SystemExit at {}: 3", "again"),
        ("import asyncio; raise asyncio.CancelledError", "failed: CancelledError at {}", "again"),
    ],
)
def test_what_is_raised_is_told_with_its_place(shop: Shop, raised: str, outcome: str, said: str) -> None:
    """And the traceback from the handler on, without what called it; exit code 1."""
    path = shop(f"@handles('{PAID}')\ndef on_paid(trade: TradeBuyerPay) -> None:\n    {raised}\n")
    done = tried(PAID)
    assert done.code == 1
    told, then = done.out.splitlines()
    assert told.startswith(outcome.format("shop_of_this_test.py:6 in on_paid") + ", after ")
    assert said in then
    files = [line.split('"')[1] for line in done.err.splitlines() if line.startswith("  File ")]
    assert files == [str(path)]


def test_the_place_is_in_the_users_own_file_however_deep_it_was_raised(shop: Shop) -> None:
    """With where that came to."""
    shop(
        f"import json\n@handles('{PAID}')\ndef on_paid(trade: TradeBuyerPay) -> None:\n    load()\n"
        "def load() -> None:\n    json.loads('{')\n"
    )
    told = tried(PAID).out.splitlines()[0]
    assert told.startswith("failed: JSONDecodeError at json/decoder.py:")
    assert ", called at shop_of_this_test.py:9 in load: Expecting property name" in told


def test_content_that_does_not_fit_names_the_member_and_no_value(shop: Shop, tmp_path: Path) -> None:
    """As its dead letter would."""
    shop(f"@handles('{PAID}')\ndef on_paid(trade: TradeBuyerPay) -> None: ...\n")
    (tmp_path / "content").write_text('{"buyer_nick": "ZHANG SAN"}')
    said = tried(PAID, "--content", str(tmp_path / "content"))
    assert said.code == 1
    assert said.out.startswith("dead: its content does not fit: tid: missing, after ")
    assert "ZHANG" not in said.out + said.err


def test_the_accounts_table_is_read_for_an_account_that_is_named(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one, no accounts are needed."""
    shop(
        f"@handles('{PAID}')\ndef on_paid(trade: TradeBuyerPay, message: Message) -> None: print(dict(message.extra))\n"
    )
    monkeypatch.setenv("TIDINGS_ACCOUNTS", str(tmp_path / "accounts.toml"))
    assert tried(PAID).out.startswith("{}\n")
    assert "message.extra needs the accounts" in tried(PAID, "--account", "a").out
    gateway = '[gateways.g]\nplatform = "taobao"\napp_key = "1"\napp_secret = "env:NOWHERE"\n'
    (tmp_path / "accounts.toml").write_text(f'{gateway}[accounts.a]\ngateway = "g"\nextra = {{ table = "t" }}\n')
    runtime.accounts_source.cache_clear()
    runtime.accounts_without_secrets.cache_clear()
    assert tried(PAID, "--account", "a").out.startswith("{'table': 't'}\n")
    for slip in ("b", ""):
        said = tried(PAID, "--account", slip)
        assert (said.code, said.out) == (1, "")
        assert f"there is no account {slip!r} in {tmp_path / 'accounts.toml'}; there are: a" in said.err


def test_a_handler_that_does_not_end_is_stopped(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a worker."""
    monkeypatch.setenv("TIDINGS_HANDLER_SECONDS", "0.2")
    shop(f"import time\n@handles('{PAID}')\ndef on_paid(trade: TradeBuyerPay) -> None:\n    time.sleep(60)\n")
    said = tried(PAID)
    assert said.code == 1
    assert said.out.startswith(
        "failed: it took longer than its time limit, at shop_of_this_test.py:7 in on_paid, after "
    )


@pytest.mark.parametrize(
    ("does", "limit", "told"),
    [
        ("os.kill(os.getpid(), 9)", "20", "its process was killed by SIGKILL while it ran"),
        ("os._exit(3)", "20", "its process ended with exit code 3 while it ran"),
        (
            "os.fork() or time.sleep(5); os.kill(os.getpid(), 24)",
            "20",
            "its process was killed by SIGXCPU while it ran",
        ),
        ("[time.sleep(60) for _ in iter(swallow, 1)]", "0.2", "it went on past its time limit of 0.2 s and was killed"),
    ],
)
def test_a_handler_that_takes_its_process_along_is_told_as_such(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, does: str, limit: str, told: str
) -> None:
    """It runs in a process of its own, and what it printed before is there."""
    monkeypatch.setenv("TIDINGS_HANDLER_SECONDS", limit)
    shop(
        "import os, time\n"
        "def swallow():\n"
        "    try: time.sleep(60)\n"
        "    except BaseException: return 0\n"
        f"@handles('{PAID}')\ndef on_paid(trade: TradeBuyerPay) -> None:\n    print('begun', flush=True)\n    {does}\n"
    )
    said = tried(PAID)
    assert said.code == 1
    begun, outcome, then = said.out.splitlines()
    assert begun == "begun"
    assert outcome.startswith(f"failed: {told}")
    assert "again" in then


def test_the_handlers_own_timeout_holds(shop: Shop) -> None:
    shop(
        f"import time\n@handles('{PAID}', timeout=0.1, tries=1)\ndef on_paid(trade: TradeBuyerPay) -> None: time.sleep(60)\n"
    )
    said = tried(PAID)
    assert said.out.startswith("failed: it took longer than its time limit, at ")
    assert "allows one try" in said.out


@pytest.mark.parametrize(("choice", "what"), [("confirm", "confirms"), ("leave", "come again"), ("bury", "buries")])
def test_a_topic_that_nobody_handles_is_not_handled(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, choice: str, what: str
) -> None:
    """A slip in the registered name is pointed out, and what TIDINGS_UNHANDLED says will become of it."""
    monkeypatch.setenv("TIDINGS_UNHANDLED", choice)
    shop(f"@handles('{PAID}d')\ndef on_paid(trade: TradeBuyerPay) -> None: ...\n")
    said = tried(PAID)
    assert said.code == 1
    assert said.out.startswith(f"ignored: nobody handles {PAID} (did you mean {PAID}d?); a worker counts")
    assert what in said.out


@pytest.mark.parametrize(
    "text",
    ["import nothing_of_the_kind", "@handles('t')\nclass OnT: ...", "raise ValueError('x')"],
)
def test_handlers_that_cannot_be_used_are_one_line(shop: Shop, text: str) -> None:
    """No traceback."""
    shop(text + "\n")
    said = tried(PAID)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("Error: ")
    assert said.err.count("\n") == 1


def test_without_handlers_it_says_what_to_set(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a worker does."""
    monkeypatch.delenv("TIDINGS_HANDLERS")
    said = tried(PAID)
    assert (said.code, said.out) == (1, "")
    assert "TIDINGS_HANDLERS" in said.err


def test_hostile_text_reaches_no_terminal_as_it_is(shop: Shop) -> None:
    """Topic, exception and traceback come from outside."""
    shop("@handles('*')\ndef on_any(content: str) -> None:\n    raise ValueError('\\x1b[2J\\n\\u202e')\n")
    done = run_forking(command, "try", "\x1b[2J", "--content", "-", given="x")
    assert done.code == 1
    assert "\\x1b[2J \\u202e" in done.out


def test_it_is_part_of_celerys_command_line(shop: Shop, tmp_path: Path) -> None:
    """In a process of its own, where nothing else runs."""
    shop(f"@handles('{PAID}')\ndef on_paid(trade: TradeBuyerPay) -> None: ...\n")
    argv = ["-m", "celery", "-A", "tasks", "handlers", "try", PAID]
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    done = ready.run(argv, tmp_path, env)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("handled by on_paid at ")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("import os\nos._exit(0)\n", 1, "calls os._exit(0) while it is imported for handlers"),
        ("import ctypes\nctypes.string_at(0)\n", -signal.SIGSEGV, 'shop_of_this_test.py", line 5 in <module>'),
    ],
)
def test_a_module_that_takes_the_command_along_is_told(
    shop: Shop, tmp_path: Path, text: str, code: int, said: str
) -> None:
    shop(text)
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    done = ready.run(["-m", "celery", "-A", "tasks", "handlers", "try", PAID], tmp_path, env)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


@pytest.mark.parametrize(("words", "code"), [(("try", PAID), 0), (("try", "TradeClose"), 1), (("list",), 0)])
def test_a_thread_of_a_module_keeps_no_command(shop: Shop, words: tuple[str, ...], code: int) -> None:
    path = shop(f"""
import threading

threading.Thread(target=threading.Event().wait, name="refresher").start()
threading.Thread(target=print, name="short").start()

@handles('{PAID}')
def on_paid(content: dict) -> None: ...

@handles('taobao_trade_TradeClose')
def on_closed(content: dict) -> None:
    raise Retry
""")
    argv = [sys.executable, "-m", "tidings_cli", "handlers", *words]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(path.parent)))}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    assert "ended with a thread that still ran: refresher; what" in done.stderr
