"""The sandbox's platforms without HTTP: calls of the real clients reach their state at once, and meet the faults set there."""

import time
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest

from tasks.platforms import http
from tasks.platforms.base import Keep
from tasks.platforms.errors import Transient
from tasks.platforms.http import HttpReply
from tasks.sandbox.memory.apps import AppSpec
from tasks.sandbox.memory.exchange import Call
from tasks.sandbox.memory.faults import Faults, FaultSpec
from tasks.sandbox.memory.queue import Entry, Place
from tasks.sandbox.memory.state import Publication, State
from tasks.sandbox.memory.switches import Leases, Switches
from tasks.sandbox.platforms.respond import respond
from tasks.sandbox.platforms.top import Top
from tasks.sandbox.platforms.vvtool import Vvtool
from tests.integration.guarantees.worker import here, step

Platform = Literal["taobao", "vvtool"]
TOPIC = "taobao_trade_TradeBuyerPay"
SHOP = "123"


class Platforms:
    """taobao and vvtool, their clock the process's; leases of `lease` seconds."""

    def __init__(self, lease: float) -> None:
        self._switches = Switches(lease_seconds=Leases(taobao=lease))
        self.start()

    def start(self) -> None:
        """Empty, without faults."""
        self.state = State(clock=time.time, switches=self._switches)
        self.state.set_app(AppSpec(platform="vvtool", token="test-token", name="vvtool"))
        self._top, self._vvtool = Top(self.state), Vvtool(self.state)

    def publish(self, platform: Platform, count: int) -> list[str]:
        """New messages; their ids."""
        messages = [{"topic": TOPIC, "content": {"tid": 1}}] * count
        place = {"shop_id": SHOP} if platform == "vvtool" else {}
        return self.state.publish(Publication.model_validate({"platform": platform, "messages": messages, **place}))

    def entries(self, platform: Platform) -> list[Entry]:
        """Every message with its history."""
        key = SHOP if platform == "vvtool" else ""
        return list(self.state.queue(self.state.named(platform, None), key).entries.values())

    def waits(self, platform: Platform) -> set[str]:
        """Who has not been sent yet."""
        return {entry.id for entry in self.entries(platform) if entry.place is Place.WAITING}

    def confirmed(self) -> set[str]:
        """Who was confirmed on taobao."""
        return {entry.id for entry in self.entries("taobao") if entry.confirms}

    def fault(self, platform: Platform, kind: str, **more: Any) -> None:
        """The next call meets this."""
        self.state.add_fault(FaultSpec.model_validate({"platform": platform, "kind": kind, "count": 1, **more}))

    def mend(self) -> None:
        """No fault is left."""
        self.state.faults = Faults()

    def post(
        self,
        url: str,
        form: Mapping[str, str],
        headers: Mapping[str, bytes] | None = None,
        *,
        keep: Keep | None = None,
    ) -> HttpReply:
        """Stands in for `http.post`."""
        step()
        path = urlsplit(url).path
        token = (headers or {}).get("Authorization", b"").decode().removeprefix("Bearer ")
        platform = self._vvtool if token else self._top
        answer = respond(platform, Call("POST", path, dict(form), time.time(), token))
        if answer.cut or answer.status >= 500:
            raise Transient("cut" if answer.cut else "HTTP 5xx")
        run = here()
        if token and run is not None:
            run.spared = 1  # the README's one exception: between vv-tool's reply and its storing
        if keep and answer.body and answer.status < 300:
            keep(answer.body)
        return HttpReply(answer.status, answer.body)

    def take_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let clients call here."""
        monkeypatch.setattr(http, "post", self.post)
