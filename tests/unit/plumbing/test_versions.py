"""What is installed against what was tested."""

import logging
from importlib.metadata import PackageNotFoundError, version

import pytest

from tasks.commands.check.setup import versions_findings
from tasks.plumbing import versions
from tasks.plumbing.starting import tell_of_versions

ASKED = [
    "celery==5.0.1",
    f"kombu=={version('kombu')}",
    "requests<3,>=2",
    "no-such-thing",
    'ruff==0.0.1; extra == "dev"',
    'tzdata==1; python_version < "3"',
]
TOLD = f"celery {version('celery')} (tested: ==5.0.1), no-such-thing is missing (tested: any)"


@pytest.fixture
def _asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "requires", lambda _: ASKED)


def test_this_environment_is_the_one_that_is_tested() -> None:
    assert versions.untested() == ""


@pytest.mark.usefixtures("_asked")
def test_one_line_names_what_differs_and_what_was_tested_and_leaves_extras_out() -> None:
    assert versions.untested() == TOLD


@pytest.mark.usefixtures("_asked")
def test_a_worker_and_beat_warn_of_it_when_they_start_and_check_does(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        tell_of_versions()
    (line,) = caplog.messages
    assert TOLD in line
    assert [(finding.level, TOLD in finding.text) for finding in versions_findings()] == [("WARN", True)]


def test_nothing_is_said_of_a_source_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: str) -> list[str]:
        raise PackageNotFoundError

    monkeypatch.setattr(versions, "requires", none)
    assert versions.untested() == ""
