"""Flower beside a real worker: what it shows of a message, and what it never does."""

import json
import shutil
import subprocess
import zlib
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import requests

from tasks.commands.processes import children
from tests.end_to_end.installation import Installation
from tests.ports import free_port

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
url = "{url}"
app_key = "12345678"
app_secret = "env:TB_SECRET"

[accounts.shop-1]
gateway = "tb"
session = "env:SHOP_SESSION"
poll = { min = 0.2, max = 1 }
"""
TOPIC = "taobao_trade_TradeBuyerPay"
BUYER = "Zhang-San-of-Hangzhou"
EVENT = {"tid": 1588826713157361977, "buyer_nick": BUYER, "payment": "128.75", "alipay_no": "2026112100000042"}
CREDENTIALS = ("helloworld", "test-session", "test-token")
NEVER = (BUYER, "buyer_nick", "1588826713157361977", "128.75", "2026112100000042", *CREDENTIALS)

CELERY = len(children.celery())
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Flower:
    """A running Flower that has seen messages handled."""

    def __init__(self, url: str, ids: list[str]) -> None:
        self.url = url
        self.ids = ids

    def get(self, path: str) -> str:
        reply = requests.get(self.url + path, timeout=10)
        reply.raise_for_status()
        return unescape(reply.text)

    def tasks(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = json.loads(self.get("/api/tasks"))
        return found

    def handled(self) -> dict[str, dict[str, Any]]:
        """The handle tasks that succeeded."""
        wanted = {"name": "tidings.handle", "state": "SUCCESS"}.items()
        return {id_: task for id_, task in self.tasks().items() if wanted <= task.items()}


@pytest.fixture
def flower(installation: Installation) -> Flower:
    """Flower, worker and beat as processes, with three messages handled and confirmed."""
    pytest.importorskip("flower")
    port = free_port()
    installation.configure(ACCOUNTS)
    installation.env["FLOWER_UNAUTHENTICATED_API"] = "true"
    installation.start("flower", *children.flower(port)[CELERY:])
    url = f"http://127.0.0.1:{port}"
    installation.until(lambda: answers(f"{url}/api/workers"), what="Flower answers")
    installation.worker("worker", "-E")
    installation.beat()
    ids = installation.control.publish("taobao", [{"topic": TOPIC, "content": EVENT, "user_nick": BUYER}] * 3)
    made = Flower(url, ids)
    installation.until(lambda: len(made.handled()) == 3, what="Flower shows three handled messages")
    installation.until(
        lambda: any(task["name"] == "tidings.confirm" for task in made.tasks().values()), what="a confirm"
    )
    return made


def test_a_handle_task_shows_account_topic_and_message_id_and_nothing_else(flower: Flower) -> None:
    shown = [(task["args"], task["kwargs"]) for task in flower.handled().values()]
    told = [repr({"account": "shop-1", "topic": TOPIC, "id": id_}) for id_ in flower.ids]
    assert sorted(shown) == sorted(("()", one) for one in told)


def test_no_page_and_no_answer_holds_content_buyers_or_credentials(flower: Flower) -> None:
    pages = ["/api/tasks", "/api/workers?refresh=1", "/tasks", "/workers", "/broker", "/metrics"]
    pages += [f"/task/{id_}" for id_ in flower.tasks()]
    pages += [f"/worker/{name}" for name in json.loads(flower.get("/api/workers"))]
    for page in pages:
        text = flower.get(page)
        assert not [word for word in NEVER if word in text], page


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine, so Flower's page is not looked at")
def test_the_page_of_tasks_shows_them_to_whoever_looks(flower: Flower, tmp_path: Path) -> None:
    page, picture = f"{flower.url}/tasks", tmp_path / "tasks.png"
    text = unescape(browse(page, tmp_path, "--dump-dom").decode())
    assert "shop-1" in text
    assert all(id_ in text for id_ in flower.ids)
    browse(page, tmp_path, f"--screenshot={picture}")
    assert len(different_lines(picture)) > 100


def browse(url: str, folder: Path, what: str) -> bytes:
    """Open a page in a headless browser, let its scripts run, and have something made of it."""
    assert CHROMIUM
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1600,900"]
    options += [f"--user-data-dir={folder / 'browser'}", "--virtual-time-budget=10000", what]
    return subprocess.run([CHROMIUM, *options, url], capture_output=True, timeout=60, check=True).stdout


def different_lines(picture: Path) -> set[bytes]:
    """The lines of pixels of a PNG, those that are alike once: an empty page has one or two."""
    data, place, packed = picture.read_bytes(), 8, b""
    width, height = (int.from_bytes(data[at : at + 4]) for at in (16, 20))
    while place < len(data):
        length = int.from_bytes(data[place : place + 4])
        if data[place + 4 : place + 8] == b"IDAT":
            packed += data[place + 8 : place + 8 + length]
        place += length + 12
    pixels = zlib.decompress(packed)
    line = len(pixels) // height
    assert line > width
    return {pixels[start + 1 : start + line] for start in range(0, len(pixels), line)}


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
