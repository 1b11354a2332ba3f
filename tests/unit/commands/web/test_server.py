"""How the page's server begins."""

import pytest

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
