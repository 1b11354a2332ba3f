"""A handler that forks: the other process ends where the handler ends, and only this one goes on with the message."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from handlers import Message, Registry

CAME_BACK = 77


def returns() -> None:
    """The child forgets to end."""


def raises() -> None:
    raise ValueError("no")


def exits() -> None:
    sys.exit(3)


def exits_with_words() -> None:
    sys.exit("no")


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("ends", "code"), [(returns, 0), (raises, 1), (exits, 3), (exits_with_words, 1), (sys.exit, 0)]
)
def test_the_other_process_does_not_come_back(ends: Callable[[], None], code: int, is_async: bool) -> None:
    here, children, found = os.getpid(), [], Registry()

    def forks(_: str) -> None:
        if child := os.fork():
            children.append(child)
        else:
            ends()

    async def forks_on_the_loop(content: str) -> None:
        forks(content)

    found.handles("t")(forks_on_the_loop if is_async else forks)
    try:
        handler = found.find("t")
        assert handler
        handler.call(Message("1", "t", "shop", "taobao", "{}"))
    finally:
        if os.getpid() != here:
            os._exit(CAME_BACK)
    (child,) = children
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code


def around_before(message: Message) -> Iterator[None]:
    fork()
    yield


def around_after(message: Message) -> Iterator[None]:
    yield
    fork()


CHILDREN: list[int] = []


def fork() -> None:
    if child := os.fork():
        CHILDREN.append(child)


@pytest.mark.parametrize("around", [around_before, around_after, None])
def test_the_process_of_an_around_or_a_resource_runs_no_handler(around: Any, tmp_path: Path) -> None:
    """It would do everything a second time."""
    here, registry, journal = os.getpid(), Registry(), tmp_path / "journal"
    CHILDREN.clear()

    @registry.resources.resource
    def made() -> Iterator[str]:
        if around is None:
            fork()
        yield "made"
        if around is None:
            fork()

    @registry.handles("t")
    def on_t(content: str, made: str) -> None:
        with journal.open("a") as file:
            file.write(made)

    if around:
        registry.around(around)
    try:
        handler = registry.find("t")
        assert handler
        handler.call(Message("1", "t", "shop", "taobao", "{}"))
        registry.resources.close()
    finally:
        if os.getpid() != here:
            os._exit(CAME_BACK)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in CHILDREN] == [0] * (2 - bool(around))
    assert journal.read_text() == "made"
