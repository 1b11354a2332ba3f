"""The page in the test's own process, on a real Valkey, and browsers that are logged in."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tasks.accounts.roster import Roster
from tasks.commands.web import looking, server
from tasks.commands.web.config import Config
from tasks.commands.web.looking import Looking
from tasks.runtime import Stores
from tasks.settings import settings
from tasks.store.presence import Presence
from tasks.store.web import KEY

OPERATOR, READER = "the operator's password", "the reader's password"
CONFIG = Config(OPERATOR, READER)


class AtOnce(Looking):
    """Takes its picture whenever somebody asks, in no thread of its own."""

    def wish(self) -> None:
        self.take()


class Browser:
    """Somebody with cookies, at an address."""

    def __init__(
        self, config: Config = CONFIG, address: str = "203.0.113.7", headers: dict[str, str] | None = None
    ) -> None:
        app = server.guarded(config, "127.0.0.1")
        self.client = TestClient(
            app, "http://127.0.0.1:8700", client=(address, 5000), headers=headers, follow_redirects=False
        )

    def get(self, path: str, **options: Any) -> Response:
        reply: Response = self.client.get(path, **options)
        return reply

    def post(self, path: str, /, **fields: str) -> Response:
        """Send a form with the session's token, as the pages do."""
        return self.send(path, {"csrf": self.csrf, **fields})

    def send(self, path: str, data: dict[str, str], **headers: str) -> Response:
        """Send a form as it is."""
        reply: Response = self.client.post(path, data=data, headers=headers)
        return reply

    def log_in(self, password: str, name: str = "Li", after: str = "/") -> Response:
        token = field(self.get("/login").text, "token")
        return self.send("/login", {"token": token, "name": name, "password": password, "next": after})

    @property
    def csrf(self) -> str:
        return field(self.get("/audit").text, "csrf")

    @property
    def is_in(self) -> bool:
        return self.get("/audit").status_code == 200


def field(html: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, html
    return found[1]


@pytest.fixture
def web(tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> Stores:
    """The stores of an installation whose page looks anew at each request."""
    tidings.web.redis.set(KEY, "the same in every test, as passwords are slow to make keys of")
    tidings.presences.put(Presence("worker", "worker@here", 1))  # else each picture asks the broker who is there
    here = AtOnce(Roster(settings().accounts))
    monkeypatch.setattr(looking, "looking", lambda: here)
    return tidings


@pytest.fixture
def browser(web: Stores) -> Callable[..., Browser]:
    """Makes somebody who is logged in."""

    def made(password: str = OPERATOR, **options: Any) -> Browser:
        found = Browser(**options)
        assert found.log_in(password).status_code == 303
        return found

    return made


@pytest.fixture
def operator(browser: Callable[..., Browser]) -> Browser:
    """An operator who is logged in."""
    return browser()


@pytest.fixture
def reader(browser: Callable[..., Browser]) -> Browser:
    """A reader who is logged in."""
    return browser(READER)
