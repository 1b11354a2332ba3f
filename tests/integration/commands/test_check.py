"""`celery -A tasks check`, as an operator runs it."""

import os
import re
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import Embedded
from tasks.platforms import Item
from tasks.runtime import Stores
from tasks.store.letters import Letter
from tasks.store.presence import Presence
from tests import ready
from tests.ports import free_port

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"

[accounts.shop-1]
gateway = "tb"
"""
HANDLERS = """
from handlers import handles

@handles("taobao_trade_TradeBuyerPay")
def on_paid(content: dict) -> None: ...
"""


CHECK = ["-m", "celery", "-A", "tasks", "check"]


def check(folder: Path, words: Sequence[str] = CHECK, **settings: str) -> tuple[int, str]:
    """Exit code and output; `settings` are the environment's, an empty one is left out."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
    env = {
        **kept,
        "TB_SECRET": "hunter2",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH")))),
        **settings,
    }
    done = ready.run(words, folder, env)
    assert "hunter2" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "accounts.toml").write_text(ACCOUNTS)
    (tmp_path / "my_handlers.py").write_text(HANDLERS)
    return tmp_path


def test_everything_fine_is_exit_code_0_and_all_ok(folder: Path) -> None:
    with Processes() as processes:
        valkey = Embedded(folder, free_port())
        valkey.start(processes)
        valkey.wait(processes, Stopping())
        code, said = check(folder, TIDINGS_REDIS_URL=valkey.url, TIDINGS_HANDLERS="my_handlers")
    assert code == 0, said
    assert {line.split()[0] for line in said.splitlines()[:-1]} == {"OK"}, said
    assert "1 accounts behind 1 gateways in accounts.toml" in said
    assert "1 of your own: taobao_trade_TradeBuyerPay" in said


def test_a_redis_without_an_append_only_file_and_only_shipped_handlers_are_warned_of(folder: Path, valkey: str) -> None:
    code, said = check(folder, TIDINGS_REDIS_URL=valkey, TIDINGS_HANDLERS="handlers")
    assert code == 1, said
    assert "WARN  redis     its append-only file is off" in said
    assert "WARN  handlers  only those that ship" in said


def test_logs_that_may_hold_buyer_data_are_warned_of(folder: Path, valkey: str) -> None:
    code, said = check(folder, TIDINGS_REDIS_URL=valkey, TIDINGS_HANDLERS="my_handlers", TIDINGS_DEBUG="1")
    assert code == 1, said
    assert "WARN  logs      TIDINGS_DEBUG is set" in said


def test_a_secret_that_stands_in_the_file_is_warned_of_and_not_shown(folder: Path, valkey: str) -> None:
    (folder / "accounts.toml").write_text(ACCOUNTS.replace("env:TB_SECRET", "hunter2"))
    code, said = check(folder, TIDINGS_REDIS_URL=valkey, TIDINGS_HANDLERS="my_handlers")
    assert code == 1, said
    assert "WARN  accounts  gateways.tb.app_secret" in said


def test_every_fault_is_named_at_once_each_with_what_to_do(folder: Path) -> None:
    (folder / "accounts.toml").write_text(ACCOUNTS + 'quantity = 5\nshop_id = "1"\n')
    dead = f"redis://:hunter2@127.0.0.1:{free_port()}/0"
    code, said = check(folder, TIDINGS_REDIS_URL=dead, TIDINGS_HANDLERS="no_such_module")
    failed = [line for line in said.splitlines() if line.startswith("FAIL")]
    assert code == 1
    assert [line.split()[1] for line in failed] == ["accounts", "accounts", "handlers", "redis", "broker"]
    assert said.count("to do: ") == len(failed)
    assert said.splitlines()[-1] == "5 failed, 0 warned, 1 are fine"


def test_dead_letters_and_replies_that_cannot_be_read_are_warned_of(folder: Path, valkey: str, stores: Stores) -> None:
    for number in range(2):
        item = Item("", str(number), "t", "\x1b[2J")
        stores.letters.bury(Letter(item, "taobao", "shop-1", "no", names=("app", str(number))))
    reply = Item("", "b1", "", "<html>")
    stores.letters.bury(Letter(reply, "vvtool", "shop-2", "the platform's reply cannot be read", reply=True))
    code, said = check(folder, TIDINGS_REDIS_URL=valkey, TIDINGS_HANDLERS="my_handlers")
    assert code == 1, said
    assert "WARN  letters   3 dead letters wait" in said
    assert "WARN  letters   1 of them are replies from the inbox that cannot be read" in said
    assert "celery -A tasks letters list" in said


def test_tasks_hidden_longer_than_a_lease_fail(folder: Path, valkey: str) -> None:
    code, said = check(
        folder, TIDINGS_REDIS_URL=valkey, TIDINGS_HANDLERS="my_handlers", TIDINGS_VISIBILITY_SECONDS="400"
    )
    assert code == 1
    assert (
        "FAIL  leases    a killed worker's tasks stay hidden for 400 s, longer than the shortest lease of 300 s" in said
    )


def test_without_a_module_of_handlers_it_says_what_worker_and_up_will_say(folder: Path, valkey: str) -> None:
    code, said = check(folder, TIDINGS_REDIS_URL=valkey)
    assert code == 1
    assert "FAIL  handlers  TIDINGS_HANDLERS names no module" in said


def test_without_a_file_it_says_which_is_missing(tmp_path: Path, valkey: str) -> None:
    code, said = check(tmp_path, TIDINGS_REDIS_URL=valkey, TIDINGS_ACCOUNTS="elsewhere.toml")
    assert code == 1
    assert "FAIL  accounts  elsewhere.toml: there is no such file" in said


def test_every_machine_whose_clock_is_off_is_named(folder: Path, valkey: str, stores: Stores) -> None:
    (folder / "ahead.py").write_text(
        "import runpy, sys, time, time_machine\n"
        "time_machine.travel(time.time() + 25).start()\n"
        f"sys.argv = {CHECK[1:]}\n"
        "runpy.run_module('celery', run_name='__main__')\n"
    )
    stores.presences.put(Presence("worker", "a@far", 1, skew=-120.0))
    stores.presences.put(Presence("beat", "near", 2, skew=0.2))
    _, said = check(folder, ["ahead.py"], TIDINGS_REDIS_URL=valkey, TIDINGS_HANDLERS="my_handlers")
    assert re.search(r"WARN  clock     this machine's clock is 2\d s ahead of Redis's", said)
    assert "WARN  clock     worker a@far: its machine's clock is 120 s behind Redis's" in said
    assert "near" not in said
    assert "set it by NTP" in said


def test_a_port_that_takes_connections_and_says_nothing_is_one_line_within_seconds(folder: Path) -> None:
    """As a Redis that wants TLS, addressed without."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        begun = time.monotonic()
        code, output = check(folder, TIDINGS_REDIS_URL=url)
    assert code == 1
    assert [line.split()[1] for line in output.splitlines() if line.startswith("FAIL")][-2:] == ["redis", "broker"]
    assert "takes connections, and then says nothing" in output
    assert "rediss://" in output
    assert time.monotonic() - begun < 30


def test_options_that_accounts_and_workers_do_not_meet_are_warned_of(folder: Path, valkey: str, stores: Stores) -> None:
    source = (folder / "my_handlers.py").read_text()
    (folder / "my_handlers.py").write_text(source.replace('Pay")', 'Pay", timeout=500, queue="slow")'))
    stores.presences.put(Presence("worker", "pull@there", 1, queues=("consume", "confirm", "handle")))
    code, said = check(folder, TIDINGS_REDIS_URL=valkey, TIDINGS_HANDLERS="my_handlers")
    assert code == 1, said
    assert "WARN  handlers  my_handlers.on_paid at " in said
    assert "asks for timeout=500, but a try has 120 s under the lease of gateway tb (300 s)" in said
    assert "to do: write timeout=120 or less" in said
    assert "WARN  handlers  no worker takes what waits in the queue slow, which handlers ask for" in said
    stores.presences.put(Presence("worker", "slow@there", 2, queues=("slow",)))
    assert "queue slow" not in check(folder, TIDINGS_REDIS_URL=valkey, TIDINGS_HANDLERS="my_handlers")[1]


def test_a_usual_queue_that_no_worker_takes_from_is_warned_of(folder: Path, valkey: str, stores: Stores) -> None:
    stores.presences.put(Presence("worker", "typo@there", 1, queues=("handel", "confirm")))
    code, said = check(folder, TIDINGS_REDIS_URL=valkey, TIDINGS_HANDLERS="my_handlers")
    assert code == 1, said
    assert "WARN  handlers  no worker takes what waits in the queue handle\n" in said
    assert "to do: start one with `celery -A tasks worker -Q handle`; one without -Q takes from all" in said
    assert "WARN  workers   no worker takes what waits in the queue consume\n" in said
    assert "to do: start one with `celery -A tasks worker -P threads -c 100 -Q consume,confirm`" in said
    assert "queue confirm" not in said


def test_a_secret_that_a_free_table_names_and_that_is_not_here_is_warned_of(folder: Path, valkey: str) -> None:
    file = folder / "accounts.toml"
    file.write_text(file.read_text() + 'extra = { webhook_secret = "env:NO_SUCH_HOOK" }\n')
    code, said = check(folder, TIDINGS_REDIS_URL=valkey, TIDINGS_HANDLERS="my_handlers")
    assert code == 1, said
    assert "extra.webhook_secret: the environment variable NO_SUCH_HOOK is not set" in said


SIGNED = "whsec_" + "aW52ZW50ZWQgZm9yIHRoaXMgdGVzdCwgMzIgYnl0ZXM="


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        (
            '{ webhook_url = "ftp://hunter2/" }',
            "extra.webhook_url of the account cannot be posted to: its scheme is neither",
        ),
        ('{ webhook_url = "https://10.0.0.1/hunter2" }', "no public address"),
        (
            '{ webhook_url = "https://shop.example/", webhook_secret = "hunter2" }',
            "extra.webhook_secret of the account: wri",
        ),
        ("{ tenant = 7 }", "the account has no extra.webhook_url"),
        ('{ webhook_url = "https://shop.example/" }', ""),
    ],
)
def test_what_an_account_tells_the_webhook_and_can_only_fail_with_is_warned_of(
    folder: Path, valkey: str, extra: str, told: str
) -> None:
    file = folder / "accounts.toml"
    file.write_text(f"{file.read_text()}extra = {extra}\n")
    webhook = {"TIDINGS_WEBHOOK_URL": "accounts", "TIDINGS_WEBHOOK_SECRET": SIGNED}
    _, said = check(folder, TIDINGS_REDIS_URL=valkey, TIDINGS_HANDLERS="handlers.webhook", **webhook)
    assert ("WARN  accounts  accounts.shop-1: " in said) is bool(told)
    assert told in said
    assert "Traceback" not in said
