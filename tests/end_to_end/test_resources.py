"""Resources in real workers: one a process, made after the fork, closed when the process ends."""

import pytest

from tests.end_to_end.installation import HANDLERS, Installation
from tests.end_to_end.test_shutdown import ACCOUNTS

KEEPS = (
    HANDLERS
    + """
from handlers import resource

LOADED_IN = os.getpid()

def tell(what):
    fd = os.open(JOURNAL, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(fd, json.dumps([what, os.getpid()]).encode() + b"\\n")
    os.close(fd)

@resource
def client(settings: dict[str, str]):
    tell("made")
    yield settings["SHOP_KEY"], os.getpid()
    tell("closed")

@handles("t")
def on_t(content: dict, message: Message, client) -> None:
    assert client == ("key", os.getpid())
    note(message, "handled in the main process" if os.getpid() == LOADED_IN else "handled")
"""
)


@pytest.mark.parametrize("pool", [("-c", "2", "--max-tasks-per-child", "10"), ("-P", "threads", "-c", "4")])
def test_a_resource_is_made_once_a_process_and_closed_with_it(
    installation: Installation, pool: tuple[str, ...]
) -> None:
    """Of a prefork pool, also by processes that are replaced after ten messages."""
    installation.configure(ACCOUNTS, KEEPS)
    installation.env |= {"SHOP_KEY": "key", "TIDINGS_MAX_DELIVERIES": "1"}
    installation.control.publish("taobao", [{"topic": "t", "content": {"n": number}} for number in range(40)])
    worker = installation.worker("worker", *pool)
    installation.beat()
    installation.until(
        lambda: all(each["confirmed"] for each in installation.control.ledger()), 60, "all are confirmed"
    )
    worker.terminate()
    installation.until(lambda: worker.poll() is not None, 40, "the worker ends")
    handled = installation.handled("handled in the main process" if "-P" in pool else "handled")
    assert len(handled) == 40
    made = sorted(line[-1] for line in installation.handled("made"))
    assert made == sorted({line[-1] for line in handled})
    assert made == sorted(line[-1] for line in installation.handled("closed"))
    assert len(made) > 2 or "-P" in pool
