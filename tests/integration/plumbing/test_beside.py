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
from tests import ROOT


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


def test_the_pages_engine_forgets_its_connections_when_it_is_forked(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "beside-your-own-celery.md").read_text()
    (example,) = re.findall(r"```python\n# shop_engine.py\n(.*?)```", page, re.DOTALL)
    (tmp_path / "shop_engine.py").write_text(example)
    program = (
        f"import os, sys\nos.environ['SHOP_DATABASE'] = 'sqlite:///{tmp_path / 'db'}'\nsys.path.append({str(tmp_path)!r})\n"
        "from shop_engine import engine\nengine.connect().close()\nbefore = engine.pool.checkedin()\nchild = os.fork()\n"
        "if not child:\n    os._exit(10 + engine.pool.checkedin())\n"
        "print(before, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), engine.pool.checkedin())"
    )
    assert python(program) == "1 10 1\n"


def python(program: str) -> Any:
    """What a fresh process prints."""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    ).stdout
