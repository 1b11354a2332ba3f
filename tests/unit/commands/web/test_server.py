"""How the page's server begins."""

import errno
import io
import os
import sys

import pytest
import uvicorn

from tasks.commands.group import Unusable
from tasks.commands.web import memory, server


def test_a_slip_in_a_variable_is_told_as_it_begins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TIDING_WEB_PASSWORD", "secret words")
    monkeypatch.setattr(memory, "one_heap", lambda: None)
    monkeypatch.setattr(server, "bound", lambda *_: (_ for _ in ()).throw(Unusable("taken")))
    with pytest.raises(Unusable):
        server.serve("127.0.0.1", 0)
    assert capsys.readouterr().err == (
        "TIDING_WEB_PASSWORD is no setting of Tidings: did you mean TIDINGS_WEB_PASSWORD?\n"
    )


class Full(io.StringIO):
    """A log on a disk that takes no more."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_it_serves_where_what_it_says_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is what somebody looks at its figures for."""
    served = []
    monkeypatch.setenv("TIDING_WEB_PASSWORD", "secret words")
    for done in ("tasks.commands.web.memory.one_heap", "tasks.commands.web.server.freeze"):
        monkeypatch.setattr(done, lambda: None)
    monkeypatch.setattr("tasks.commands.web.metrics.Picture.begin", lambda _: None)
    monkeypatch.setattr(uvicorn.Server, "run", lambda _, sockets: served.extend(sockets))
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(sys, stream, Full())
    server.serve("127.0.0.1", 0)
    (listening,) = served
    listening.close()
