"""The operators' page in a browser: axe finds nothing that keeps people from using it, in both languages; no script is needed."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tasks.commands.processes import children
from tasks.platforms.base import Item
from tasks.rules.circuit_breaker import Pause
from tasks.runtime import Stores
from tasks.store.connection import connect
from tasks.store.letters import Letter
from tasks.store.troubles import Trouble
from tests.end_to_end.installation import Installation
from tests.end_to_end.test_flower import answers
from tests.ports import free_port

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
url = "{url}"
app_key = "12345678"
app_secret = "env:TB_SECRET"
calls_per_day = 1000
[gateways.vv]
platform = "vvtool"
token = "env:VV_TOKEN"
points_per_day = 100
[accounts.shop-1]
gateway = "tb"
[accounts."旗舰店 <b>"]
gateway = "vv"
shop_id = "7"
"""
PASSWORD = "the password of this test"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ("no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-sync")
CELERY = len(children.celery())
PAGES = (
    "/",
    "/accounts",
    "/account?name=shop-1",
    "/gateways",
    "/gateway?name=vv",
    "/topics",
    "/letters",
    "/letter?id=LETTER",
    "/audit",
    "/nothing",
)


@pytest.fixture
def page(installation: Installation) -> tuple[str, str]:
    """The address of a running page with something of everything to show, and the id of a letter."""
    port = free_port()
    installation.configure(ACCOUNTS)
    installation.env["TIDINGS_WEB_PASSWORD"] = PASSWORD
    stores = Stores(connect(installation.redis), done_days=3)
    now = stores.clock.now()
    letter = stores.letters.bury(
        Letter(Item("", "1", "topic", '{"buyer": "张三"}'), "taobao", "shop-1", "why", names=("n",))
    )
    stores.pauses.put("account", "shop-1", Pause(now + 900, "27: expired", "renew it"), now=now)
    stores.troubles.add(Trouble("旗舰店 <b>", "failed", "topic", "at paid.py:41", count=7))
    stores.topics.add("seen", {"topic": 5}, now=now)
    stores.topics.add("unhandled", {"topic": 2}, now=now)
    stores.due.seed({"shop-1": 100, "旗舰店 <b>": 100})
    url = f"http://127.0.0.1:{port}"
    installation.start("web", "web", "--port", str(port))
    installation.until(lambda: answers(f"{url}/healthz"), what="the page answers")
    return url, letter


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless browser."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: what axe says of the operators' page is not looked at")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[f"--{flag}" for flag in FLAGS])
        yield browser
        browser.close()


def log_in(tab: Any, url: str) -> None:
    """By keyboard alone."""
    tab.goto(f"{url}/login")
    tab.focus("[name=name]")
    tab.keyboard.type("王芳")
    tab.keyboard.press("Tab")
    tab.keyboard.type(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"{url}/")


@pytest.mark.timeout(300)  # 26 looks of axe, on a machine that may be busy
def test_axe_finds_nothing_on_any_page_in_either_language(page: tuple[str, str], chromium: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    url, letter = page
    found, axe = {}, Axe()
    for language, scheme, width in (("en-US", "light", 1280), ("zh-CN", "dark", 390)):
        context = chromium.new_context(
            locale=language, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True
        )  # axe is a script, which the page's policy would not let in
        tab = context.new_page()
        tab.goto(f"{url}/login")
        found[language, "/login"] = axe.run(tab).response["violations"]
        log_in(tab, url)
        for path in PAGES:
            tab.goto(url + path.replace("LETTER", letter))
            found[language, path] = axe.run(tab).response["violations"]
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, path
        tab.goto(f"{url}/letter?id={letter}")
        for button in ("form[action='/letter'] button", "form[action='/letters/drop'] button"):
            tab.click(button)
            found[language, button] = axe.run(tab).response["violations"]
        context.close()
    told = {
        where: [(each["id"], each["nodes"][0]["html"]) for each in wrong] for where, wrong in found.items() if wrong
    }
    assert told == {}


def test_everything_works_without_a_script_and_by_keyboard(page: tuple[str, str], chromium: Any) -> None:
    url, letter = page
    context = chromium.new_context(locale="en-US", java_script_enabled=False)
    tab = context.new_page()
    log_in(tab, url)
    tab.goto(f"{url}/account?name=shop-1")
    tab.focus("form[action='/resume'] button")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/account?name=shop-1&done=resumed")
    assert "Resumed. It is polled now." in tab.inner_text("main")
    tab.goto(f"{url}/letter?id={letter}")
    assert "张三" not in tab.content()
    tab.focus("form[action='/letter'] button")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#content")
    assert "张三" in tab.inner_text("pre")
    tab.goto(f"{url}/audit")
    assert "read the content of the letter" in tab.inner_text("table")
    assert "王芳" in tab.inner_text("table")
    context.close()
