"""Steering a running sandbox from another process."""

from collections.abc import Sequence
from typing import Any, Self, TypedDict, cast

import requests


class LedgerRow(TypedDict, total=False):
    """What became of one message; times are seconds since the epoch.

    `confirmed` is the first confirm's time or None, `confirms` has them all, and `leased_then` tells for each of them
    whether the message was leased at that moment. vvtool has `shop_id`, the others `group` ("" is the default group).
    """

    platform: str
    app: str
    group: str
    shop_id: str
    id: str
    topic: str
    published: float
    deliveries: list[float]
    confirmed: float | None
    confirms: list[float]
    leased_then: list[bool]


class ControlError(Exception):
    """The sandbox refused; the text says why."""


class Control:
    """The control API of the sandbox at `url`. Every method may raise `ControlError` or a `requests` exception."""

    def __init__(self, url: str, timeout: float = 60.0) -> None:
        self.url = url.rstrip("/")
        self.timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the sandbox goes on."""
        self._session.close()

    def publish(
        self,
        platform: str,
        messages: Sequence[dict[str, Any]],
        *,
        group: str = "",
        shop_id: str = "",
        app: str | None = None,
    ) -> list[str]:
        """Queue messages `{topic, content, id?, user_id?, user_nick?, pub_time?}`; returns their ids in this order."""
        body = {"platform": platform, "group": group, "shop_id": shop_id, "app": app, "messages": list(messages)}
        return cast(list[str], self._call("POST", "messages", body)["ids"])

    def fault(self, platform: str, kind: str, **params: Any) -> str:
        """Set a fault (see `FaultSpec` for `params`); returns its id."""
        return cast(str, self._call("PUT", "faults", {"platform": platform, "kind": kind, **params})["id"])

    def clear_faults(self, id_: str | None = None) -> None:
        """Remove that fault, or all."""
        self._call("DELETE", "faults" if id_ is None else f"faults/{id_}")

    def ledger(
        self, platform: str | None = None, *, group: str | None = None, shop_id: str | None = None
    ) -> list[LedgerRow]:
        """Every message published, of all queues or of those asked for."""
        params = {"platform": platform, "group": group, "shop_id": shop_id}
        return cast(list[LedgerRow], self._call("GET", "ledger", params=params)["messages"])

    def summary(self) -> dict[str, Any]:
        """`{queues: [...], total: {...}, apis: {platform: {api: {calls, errors}}}, points}`."""
        return self._call("GET", "summary")

    def calls(self, last: int | None = None) -> list[dict[str, Any]]:
        """The latest calls, oldest first: time, platform, api, app, group or shop_id, code ("ok"), items."""
        return cast(list[dict[str, Any]], self._call("GET", "calls", params={"last": last})["calls"])

    def app(self, platform: str, **settings: Any) -> str:
        """Add an app or replace its settings (see `AppSpec`); returns its name."""
        return cast(str, self._call("PUT", "apps", {"platform": platform, **settings})["name"])

    def switches(self, **changes: Any) -> dict[str, Any]:
        """Change these switches (see `Switches`); returns all of them."""
        return self._call("PUT", "switches", changes)

    def counter(self, user_id: str, topic: str, number: int, **rest: Any) -> None:
        """Set a row of Taobao's counter; `rest` may have sub_user_id, total and last_msg."""
        self._call("POST", "counters", {"user_id": user_id, "topic": topic, "number": number, **rest})

    def reset(self) -> None:
        """Everything as it started: no messages, no faults."""
        self._call("POST", "reset")

    def _call(self, verb: str, path: str, body: object = None, params: dict[str, Any] | None = None) -> dict[str, Any]:
        reply = self._session.request(
            verb, f"{self.url}/sandbox/{path}", json=body, params=params, timeout=self.timeout
        )
        answer = reply.json()  # who answers anything but JSON is no sandbox, whatever its status
        if reply.status_code != requests.codes.ok:
            raise ControlError(f"{verb} {path}: {answer.get('error', answer)}")
        return cast(dict[str, Any], answer)
