"""Tidings beside somebody's own Celery application and Django project, as docs/beside-your-own-celery.md shows them."""

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from tests import ROOT
from tests.end_to_end.installation import Installation
from tests.end_to_end.test_shutdown import ACCOUNTS

PAGE = (ROOT / "docs" / "beside-your-own-celery.md").read_text()

COUNTS_CONNECTIONS = """
from django.db.backends.signals import connection_created

def count(**_):
    with open("connections", "a") as file:
        file.write("x")

connection_created.connect(count)
"""


def example(name: str) -> str:
    """A file that the page shows."""
    (text,) = re.findall(rf"```python\n# {re.escape(name)}\n(.*?)```", PAGE, re.DOTALL)
    return str(text)


def sent(url: str) -> list[str]:
    """The tasks in the queue of an application of somebody's own, oldest first."""
    with Redis.from_url(url, decode_responses=True) as redis:
        return [re.findall(r'"task": "([\w.]+)"', each)[0] for each in reversed(redis.lrange("celery", 0, -1))]


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_tasks_of_an_application_of_ones_own_go_to_its_own_broker(installation: Installation, pool: str) -> None:
    theirs = installation.redis.replace("/0", "/1")
    installation.env |= {"TIDINGS_HANDLERS": "shop_orders", "SHOP_BROKER": theirs}
    installation.configure(ACCOUNTS)
    (installation.home / "shop.py").write_text(example("shop.py"))
    (installation.home / "shop_orders.py").write_text(example("shop_orders.py"))
    installation.worker("worker", "-P", pool)
    installation.beat()
    installation.control.publish("taobao", [{"topic": "taobao_trade_TradeBuyerPay", "content": {"tid": 1}}] * 2)
    installation.until(lambda: all(each["confirmed"] for each in installation.control.ledger()), 60, "both are handled")
    assert sorted(sent(theirs)) == ["shop.pack", "shop.pack", "shop.write_mail", "shop.write_mail"]
    assert "unregistered" not in installation.logs()
    argv = [sys.executable, "-m", "celery", "-A", "shop", "worker", "-P", "solo", "-l", "INFO"]
    with installation.log("theirs").open("ab") as log:
        installation.processes["theirs"] = subprocess.Popen(
            argv, cwd=installation.home, env=installation.environment(), stdout=log, stderr=log, start_new_session=True
        )
    installation.until(lambda: installation.log("theirs").read_text().count("succeeded in") == 4, 60, "theirs ran")


def test_without_an_application_of_ones_own_a_shared_task_is_refused(installation: Installation) -> None:
    installation.env |= {"TIDINGS_HANDLERS": "shop_orders", "TIDINGS_MAX_DELIVERIES": "1"}
    installation.configure(ACCOUNTS)
    alone = "from celery import shared_task\n\n@shared_task\ndef pack(tid): ...\nwrite_mail = pack\n"
    (installation.home / "shop.py").write_text(alone)
    (installation.home / "shop_orders.py").write_text(example("shop_orders.py"))
    installation.worker()
    installation.beat()
    installation.control.publish("taobao", [{"topic": "taobao_trade_TradeBuyerPay", "content": {"tid": 1}}])
    installation.until(lambda: "try 1 failed" in installation.logs(), 60, "it is refused")
    installation.kill("worker")
    assert "NotServed" in installation.logs()
    with Redis.from_url(installation.redis) as redis:
        assert not redis.exists("celery")
        assert not any(b"shop.pack" in each for each in redis.lrange("tidings:handle", 0, -1))


def test_models_of_django_are_there_for_handlers_in_every_command(installation: Installation) -> None:
    home = installation.home
    (home / "site_of_mine").mkdir()
    (home / "site_of_mine" / "__init__.py").write_text("")
    (home / "site_of_mine" / "settings.py").write_text(
        "SECRET_KEY = 'x'\nINSTALLED_APPS = ['orders']\nDEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\n"
        f"DATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3', 'NAME': {str(home / 'db.sqlite3')!r}}}}}\n"
    )
    (home / "orders").mkdir()
    (home / "orders" / "__init__.py").write_text("")
    (home / "orders" / "models.py").write_text(example("orders/models.py"))
    (home / "orders" / "messages.py").write_text(example("orders/messages.py") + COUNTS_CONNECTIONS)
    (home / "orders" / "shops.py").write_text(
        "import tomllib\nfrom pathlib import Path\nfrom orders.models import Paid\n"
        "def shops():\n    return tomllib.loads(Path('accounts.toml').read_text())\n"
    )
    database = sqlite3.connect(home / "db.sqlite3")
    database.execute("CREATE TABLE orders_paid (id integer PRIMARY KEY, tid varchar(32) UNIQUE)")
    database.commit()
    installation.env |= {
        "DJANGO_SETTINGS_MODULE": "site_of_mine.settings",
        "TIDINGS_HANDLERS": "orders.messages",
        "TIDINGS_ACCOUNTS": "python:orders.shops:shops",
    }
    installation.configure(ACCOUNTS)
    for words in (("check",), ("handlers",), ("accounts", "list")):
        said = command(installation, *words)
        assert "AppRegistryNotReady" not in said
        assert "shop" in said if words[0] == "accounts" else "taobao_trade_TradeBuyerPay" in said
    installation.worker("worker", "-c", "1")
    installation.beat()
    messages = [{"topic": "taobao_trade_TradeBuyerPay", "content": {"tid": tid}} for tid in range(40)]
    installation.control.publish("taobao", messages)
    installation.until(lambda: all(each["confirmed"] for each in installation.control.ledger()), 60, "all are handled")
    rows = database.execute("SELECT tid FROM orders_paid").fetchall()
    assert {tid for (tid,) in rows} == {str(tid) for tid in range(40)}
    made = (home / "connections").read_text()
    assert len(made) >= 40, "each task has a connection of its own, also in bundles, as Celery's fixup has it"
    installation.env["DJANGO_SETTINGS_MODULE"] = "nowhere.settings"
    for words in (("check",), ("worker",), ("beat",)):
        said = command(installation, *words)
        assert "Django cannot be set up with DJANGO_SETTINGS_MODULE=nowhere.settings: ModuleNotFoundError" in said
        assert "Traceback" not in said


def command(installation: Installation, *words: str) -> str:
    """What the program prints, typed in the installation's folder, which is on no path."""
    env = {name: value for name, value in installation.environment().items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "tidings"), *words],
        cwd=installation.home,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr
