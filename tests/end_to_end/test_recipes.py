"""The recipes of docs/handlers.md, each step of them: who follows them word for word gets what they say."""

import base64
import re
import shutil
import sys
import sysconfig
import time
import venv
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import distribution
from pathlib import Path

import pytest
import requests
from standardwebhooks import Webhook

from tests import ROOT
from tests.end_to_end.marked import NAME, Mark
from tests.end_to_end.recipes import Block, Follower, blocks, fits
from tests.packaging import built
from tests.ports import free_port

PAGE = (ROOT / "docs" / "handlers.md").read_text()
PROGRAMS = {"celery": "celery", "pytest": "pytest", "mypy": "mypy", "tidings": "tidings"}
"""Programs that the recipes call, by the distribution that brings them."""

PORTS = ("18800", "18801", "18802")
"""What the recipes listen on; other tests may have these, and whoever runs them."""

OTHERS = {"PHP": "php", "Java": "javac"}
"""What is needed for the recipes in other languages."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it, as users have it; all that it needs is this environment's."""
    folder = tmp_path_factory.mktemp("environment")
    wheel = built(folder)
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "venv" / "lib" / version / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for name, owner in PROGRAMS.items():
        (point,) = (each for each in distribution(owner).entry_points.select(group="console_scripts", name=name))
        program = folder / "venv" / "bin" / name
        python = folder / "venv" / "bin" / "python"
        program.write_text(
            f"#!{python}\nimport sys\nfrom {point.module} import {point.attr}\nsys.exit({point.attr}())\n"
        )
        program.chmod(0o755)
    return folder / "venv" / "bin"


@pytest.fixture
def page() -> str:
    """The page, with ports that are free here."""
    found = PAGE
    for port in PORTS:
        found = found.replace(port, str(free_port()))
    return found


@pytest.fixture
def follower(environment: Path, tmp_path: Path) -> Iterator[Follower]:
    """Somebody in an empty folder, with nothing of this test's own around them."""
    folder = tmp_path / "shop"
    folder.mkdir()
    mark = Mark(folder)
    path = f"{environment}:/usr/local/bin:/usr/bin:/bin"
    own = {"HOME": str(tmp_path), "PATH": path, "LANG": "C.UTF-8", "NO_PROXY": "127.0.0.1", NAME: mark.text}
    made = Follower(folder, own)
    try:
        yield made
        made.stop()
        until = time.monotonic() + 20
        while mark.running() and time.monotonic() < until:
            time.sleep(0.1)
        assert mark.running() == []
    finally:
        made.stop()
        mark.kill()


@pytest.mark.timeout(400)
def test_write_it_try_it_test_it_ship_it(follower: Follower, page: str) -> None:
    follower.follow(blocks(page, "### Write it", "### Try it", "### Test it", "### Ship it"))


@pytest.mark.timeout(200)
@pytest.mark.parametrize("language", OTHERS)
def test_a_back_end_in_another_language_gets_what_is_signed_and_nothing_else(
    follower: Follower, page: str, language: str
) -> None:
    """The check of the signature refuses what somebody has made up, has changed, or sends again much later."""
    if shutil.which(OTHERS[language]) is None:
        pytest.skip(f"{OTHERS[language]} is not installed")
    follower.follow(blocks(page, "## A back end in another language", f"### {language}"))
    url, secret = (follower.environment[f"TIDINGS_WEBHOOK_{name}"] for name in ("URL", "SECRET"))
    now = datetime.now(UTC)
    other = f"whsec_{base64.b64encode(b'x' * 32).decode()}"
    assert posted(url, secret, now) == 204
    assert posted(url, other, now) == 401
    assert posted(url, secret, now - timedelta(hours=1)) == 401
    assert posted(url, secret, now, sent='{"type": "t", "data": {"content": {"payment": "0.01"}}}') == 401


def posted(url: str, secret: str, at: datetime, sent: str = "") -> int:
    """What a receiver answers to an event that is signed with this secret, at this time, or to another text that was `sent`."""
    body = '{"type": "t", "data": {"content": {"payment": "48.00"}}}'
    headers = {
        "webhook-id": "x",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("x", at, body),
    }
    return requests.post(url, (sent or body).encode(), headers=headers, timeout=30).status_code


@pytest.mark.parametrize(("language", "longest"), [("php", 10), ("java", 10)])
def test_the_check_of_a_signature_is_ten_lines(language: str, longest: int) -> None:
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    lines = code.splitlines()
    first = next(number for number, line in enumerate(lines) if "verified(" in line and line.endswith("{"))
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    assert lines.index(f"{indent}}}", first) - first < longest


def test_each_port_of_the_page_is_replaced(page: str) -> None:
    """Or two runs beside each other would meet."""
    assert all(port in PAGE and port not in page for port in PORTS)
    assert not set(re.findall(r"\b188\d\d\b", PAGE)) - set(PORTS)


def test_what_is_printed_is_compared() -> None:
    """Or the recipes could rot."""
    assert fits("handled in … ms\n", "handled in 12 ms\n")
    assert not fits("handled in … ms", "failed in 12 ms")
    assert not fits("handled", "handled\nbut not alone")
    page = "\n## A\n```sh\na\n```\n\n```text\nb\n```\n### B\n```sh\nc\n```\n## C\n"
    assert blocks(page, "## A") == [Block("sh", "a\n", "b\n")]
    assert blocks(page, "### B") == [Block("sh", "c\n")]


REFERENCE = ("## Options", "## Shapes", "## Resources", "## Around")
STAND_IN = "class AsyncClient:\n    '''In the place of httpx, which nothing here needs.'''\n"


def test_the_examples_of_the_reference_can_be_registered(follower: Follower) -> None:
    """Each by itself, and checked as at a worker's start."""
    (follower.folder / "httpx.py").write_text(STAND_IN)
    for heading in REFERENCE:
        (example,) = blocks(PAGE, heading)
        (follower.folder / "example.py").write_text(example.text)
        told = follower.type("python -c \"from handlers.loading import load; print(load(['example']))\" || true")
        around = heading == "## Around"  # which registers no handler
        assert ("registers no handler" if around else "('example',)") in told, told
