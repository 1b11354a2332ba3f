"""An upgrade without a stop: workers of the last landed commit and of this tree on one broker and one Redis."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from tasks.store.keys import key
from tests.end_to_end.installation import Installation
from tests.end_to_end.test_main_job import ACCOUNTS, QUEUES, confirms

LAST_LANDED = os.environ.get("LAST_LANDED", "6f8a631ab8df30f0eba001c7bdf3305e6a6cae93")
"""The commit that installations run before they are upgraded to this tree. Whoever lands a new one writes it here."""

TREE = Path(__file__).parents[2]

HANDLERS = '''
"""Handlers that tell which tree ran them; some messages are rejected, some wait for another try, alone or in their batch."""
import json, os, time
from pathlib import Path
import tasks
from handlers import Message, Reject, Retry, handles

def note(what, message):
    line = json.dumps([what, message.platform, message.account, message.topic, message.id, time.time(), tasks.__file__])
    fd = os.open(os.environ["JOURNAL"], os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(fd, line.encode() + b"\\n")
    os.close(fd)

@handles("*")
def on_any(content: dict, message: Message) -> None:
    kind = content["n"] % 25
    if kind == 1:
        note("rejected", message)
        raise Reject("no such shop")
    if kind in (2, 3):
        mark = Path(os.environ["JOURNAL"] + f".{message.account}-{message.id}")
        if not mark.exists():
            mark.touch()
            raise Retry(delay=3 if kind == 2 else 0.2)
    note("handled", message)
'''
WAVE, WAVES = 100, 3
REJECTED = WAVES * WAVE // 25 * len(QUEUES)
HANDLED = WAVES * WAVE * len(QUEUES) - REJECTED
WRONG = (
    "a handler was killed",
    "Task tidings.salvage[",
    "what was not confirmed",
    "could not be confirmed",
    "Traceback",
)
"""What logs hold where the two do not understand each other, or a guarantee's net was needed."""

CASES = {
    "landed pulls": {"consume": "landed", "handle,confirm": "new"},
    "landed handles": {"consume,confirm": "new", "handle": "landed"},
    "new pulls": {"consume": "new", "handle,confirm": "landed"},
    "new handles": {"consume,confirm": "landed", "handle": "new"},
    "both do everything": {"consume,handle,confirm": "landed", "confirm,handle,consume": "new"},
}


@pytest.fixture
def landed(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The same installation with the code of the last landed commit."""
    tree = tmp_path_factory.mktemp("landed")
    packed = subprocess.run(
        ["git", "archive", LAST_LANDED, "tasks", "handlers", "tidings_cli", "celeryconfig.py"],  # noqa: S607
        cwd=TREE,
        capture_output=True,
        check=False,
    )
    if packed.returncode:
        pytest.skip(f"no git history with the commit {LAST_LANDED}: {packed.stderr.decode().strip()}")
    subprocess.run(["tar", "x", "-C", str(tree)], input=packed.stdout, check=True)  # noqa: S607
    path = f"{tree}{os.pathsep}{installation.home}"
    made = replace(installation, processes={}, env={"PYTHONPATH": path})
    assert code(made) == str(tree / "tasks" / "__init__.py")
    yield made
    made.stop()


def ask(installation: Installation, question: str) -> str:
    """What a line of Python prints in this installation."""
    return subprocess.run(
        [sys.executable, "-c", question],
        cwd=installation.home,
        env=installation.environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()


def code(installation: Installation) -> str:
    """Where the code stands that this installation runs."""
    return ask(installation, "import tasks; print(tasks.__file__)")


def letters(installation: Installation) -> str:
    """The dead letters as this installation reads them."""
    question = (
        "from tasks.runtime import stores; print(sorted((a.account, a.id, a.reason) for a in stores().letters.all()))"
    )
    return ask(installation, question)


def publish(installation: Installation, wanted: int) -> None:
    """One wave into every queue; returns when so many messages are handled in all."""
    for queue in QUEUES.values():
        installation.control.publish(messages=[{"topic": "any", "content": {"n": n}} for n in range(WAVE)], **queue)
    installation.until(lambda: len(installation.handled()) >= wanted, 60, "a wave is handled")


@pytest.mark.parametrize("case", CASES)
def test_workers_of_two_versions_do_the_job_together(
    installation: Installation, landed: Installation, case: str
) -> None:
    trees = {"new": installation, "landed": landed}
    installation.configure(ACCOUNTS, HANDLERS)
    for queues, version in CASES[case].items():
        trees[version].worker(f"{version}-{queues.replace(',', '-')}", "-Q", queues)
    for version, tree in trees.items():
        tree.beat(f"{version}-beat")
    for wave in range(1, WAVES + 1):
        publish(installation, HANDLED * wave // WAVES)
    installation.until(lambda: all(message["confirmed"] for message in confirms(installation)), 30, "all are confirmed")
    with Redis.from_url(installation.redis) as redis:
        installation.until(lambda: not redis.exists(key("inbox", "vvtool-a")), 30, "all of vvtool's are settled")

    handled = installation.handled()
    when = {(line[1], line[4]): line[5] for line in handled + installation.handled("rejected")}
    assert (len(handled), len(when)) == (HANDLED, HANDLED + REJECTED), "each is handled or rejected, once"
    assert [row for row in confirms(installation) if row["confirmed"] < when[row["platform"], row["id"]]] == []
    buried = letters(installation)
    assert buried == letters(landed)
    assert buried.count("no such shop") == REJECTED
    handlers = {code(trees[version]) for queues, version in CASES[case].items() if "handle" in queues}
    assert {line[6] for line in handled} <= handlers, "of two that both handle, one may have been quicker each time"
    assert [wrong for wrong in WRONG if wrong in installation.logs()] == []
