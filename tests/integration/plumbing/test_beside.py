"""Other Celery applications in a process of Tidings: who is current, what is registered where, and what is refused."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, current_app, shared_task
from redis import Redis

from tasks import app
from tasks.plumbing import beside
from tasks.plumbing.app import NotServed
from tasks.runtime import Stores
from tests import ROOT, ready


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tidings: Stores) -> Iterator[None]:
    """Ours is current and nobody else's is known; as before afterwards."""
    monkeypatch.setattr(beside, "_theirs", None)
    app.set_current()
    monkeypatch.setattr(beside, "_theirs", None)
    yield
    app.set_current()


@pytest.fixture
def theirs(alone: None) -> Celery:
    """An application of somebody's own, made after ours as a module of handlers makes it."""
    return Celery("theirs", broker="memory://")


def test_theirs_is_current_inside_a_handler_and_ours_outside(theirs: Celery) -> None:
    app.set_current()
    with beside.TheirsCurrent(app):
        assert current_app.main == "theirs"
    assert current_app.main == "tidings"


def test_an_application_that_a_handler_is_the_first_to_make_is_known_from_then_on(alone: None) -> None:
    with beside.TheirsCurrent(app):
        assert current_app.main == "tidings"
        made = Celery("later", broker="memory://")
    assert current_app.main == "tidings"
    with beside.TheirsCurrent(app):
        assert current_app.main == made.main


def test_our_tasks_are_in_no_other_application_and_theirs_are_not_served_by_ours(theirs: Celery) -> None:
    @theirs.task(name="shop.pack")
    def pack() -> None: ...

    @shared_task(name="shop.mail")
    def mail() -> None: ...

    assert not [name for name in theirs.tasks if name.startswith("tidings.")]
    for name in ("shop.pack", "shop.mail", "shop.nowhere_\x1b[2J"):
        with pytest.raises(NotServed, match=r"no task of Tidings.*needs a Celery application of your own") as caught:
            app.send_task(name)
        assert "\x1b" not in str(caught.value)


def test_celerys_call_tells_in_a_line_of_a_task_that_is_not_ours(tmp_path: Path, valkey: str) -> None:
    words = ["-m", "celery", "-A", "tasks", "call", "tasks.consume", '--args=["nobody"]']
    done = ready.run(words, tmp_path, {"PATH": "/usr/bin:/bin", "TIDINGS_REDIS_URL": valkey})
    assert done.returncode == 1
    assert done.stderr.startswith("Error: tasks.consume is no task of Tidings")
    assert "did you mean tidings.consume?" in done.stderr


def test_what_is_meant_for_ours_or_for_a_queue_of_theirs_is_sent(alone: None, redis: Redis) -> None:
    @app.task(name="shop.own")
    def own() -> None: ...

    own.delay()
    app.send_task("shop.mail", queue="elsewhere")
    assert (redis.llen("tidings:handle"), redis.llen("tidings:elsewhere")) == (1, 1)
    with pytest.raises(NotServed):
        app.send_task("shop.mail", queue="handle")


def test_importing_ours_leaves_the_current_application_to_whoever_has_one() -> None:
    """As a test of somebody's own project does with the sandbox's fixture."""
    program = "from celery import Celery, current_app\napp = Celery('theirs')\nimport tasks\nprint(current_app.main)"
    assert python(program) == "theirs\n"


def test_the_pages_engine_is_made_and_closed_in_each_process_that_needs_it(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "beside-your-own-celery.md").read_text()
    (example,) = re.findall(r"```python\n# shop_paid.py\n(.*?)```", page, re.DOTALL)
    (tmp_path / "shop_paid.py").write_text(example)
    (tmp_path / "run.py").write_text(RUNS_THE_PAGES_EXAMPLE.format(database=tmp_path / "db"))
    assert python(f"import runpy, sys; sys.path.append({str(tmp_path)!r}); import run") == "0 True [(1, 1), (2, 1)]\n"


RUNS_THE_PAGES_EXAMPLE = """
import os

os.environ["SHOP_DATABASE"] = "sqlite:///{database}"
from sqlalchemy import create_engine, text
from handlers import Message
from handlers.loading import load
from handlers.registry import registry
from handlers.resources import default

admin = create_engine(os.environ["SHOP_DATABASE"])
with admin.begin() as connection:
    connection.execute(text("create table orders (tid int, paid int)"))
    connection.execute(text("insert into orders values (1, 0), (2, 0)"))
load(["shop_paid"])


def pay(tid):
    topic = "taobao_trade_TradeBuyerPay"
    registry.find(topic).call(Message("1", topic, "shop", "taobao", '{{"tid": %d}}' % tid))
    return default._made.values["engine"]


here = pay(1)
child = os.fork()
if not child:
    os._exit(pay(2) is here)
ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
before = here.pool
default.close()
with admin.connect() as connection:
    rows = [tuple(row) for row in connection.execute(text("select tid, paid from orders order by tid"))]
print(ended, here.pool is not before, rows)
"""


def python(program: str) -> Any:
    """What a fresh process prints."""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    ).stdout
