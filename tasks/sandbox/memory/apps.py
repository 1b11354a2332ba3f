"""The apps that the platforms know, with their limits, quotas and bans."""

import math
from typing import Self

from pydantic import Field, model_validator

from tasks.clock import day_left
from tasks.sandbox.memory.exchange import Platform, Strict, place_of
from tasks.sandbox.memory.limits import DayCount, Limited, Window
from tasks.sandbox.memory.queue import Queue

SECRET = "helloworld"  # noqa: S105  (invented, and the same in the documentation's worked example)
SESSIONS = {"taobao": ("test-session",), "qianmi": ("test-token",), "vvtool": ()}


class AppSpec(Strict):
    """One app as it is set through the control API. A limit of None is no limit."""

    platform: Platform
    app_key: str = Field("", description="taobao and qianmi")
    token: str = Field("", description="vvtool: what comes after Bearer")
    name: str = Field("", description="how ledger and calls show it; default: the app key, or from the token's hash")
    secret: str = SECRET
    groups: tuple[str, ...] = Field((), description="the groups that exist, when strict_groups is on")
    shops: tuple[str, ...] | None = Field(None, description="vvtool: the shops that are authorised; None: all")
    sessions: tuple[str, ...] | None = Field(None, description="sessions or access tokens; None: the built-in one")
    calls_per_second: float | None = Field(None, gt=0)
    calls_per_day: int | None = Field(None, ge=0)
    points_per_day: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _has_key(self) -> Self:
        if not self.key:
            raise ValueError("vvtool needs a token, taobao and qianmi need an app_key")
        return self

    @property
    def key(self) -> str:
        """What a request names the app by."""
        return self.token if self.platform == "vvtool" else self.app_key


BUILT_IN = (
    AppSpec(platform="taobao", app_key="12345678"),
    AppSpec(platform="qianmi", app_key="10000001"),
    AppSpec(platform="vvtool", token="test-token", name="vvtool", calls_per_second=10),  # noqa: S106  (invented)
)


class App:
    """One app at work: its settings, what it used today, its bans by API, and its queues by group or shop."""

    def __init__(self, spec: AppSpec, name: str) -> None:
        self.name = name
        self.queues: dict[str, Queue] = {}
        self.homes: dict[str, Queue] = {}
        self.configure(spec)

    def configure(self, spec: AppSpec) -> None:
        """Take new settings: limits start afresh, queues stay."""
        self.spec = spec
        self.sessions = frozenset(SESSIONS[spec.platform] if spec.sessions is None else spec.sessions)
        self.calls, self.points, self._window = DayCount(), DayCount(), Window()
        self.points_charged = 0
        self._bans: dict[str, tuple[float, str]] = {}

    def head(self, key: str) -> dict[str, str]:
        """What every line about one of its queues begins with."""
        return {"platform": self.spec.platform, "app": self.name, **place_of(self.spec.platform, key)}

    def admit(self, api: str, now: float) -> Limited | None:
        """Count one call, or tell that it is banned, too soon after others, or over the day's quota."""
        until, sub_code = self._bans.get(api, (0.0, ""))
        if until > now:
            return Limited("ban", until - now, sub_code)
        if self.spec.calls_per_second is not None and not self._window.admits(now, self.spec.calls_per_second):
            return Limited("second", 1)
        if self.spec.calls_per_day is not None and self.calls.today(now) >= self.spec.calls_per_day:
            return Limited("day", math.ceil(day_left(now)))
        self.calls.add(now)
        return None

    def ban(self, api: str, until: float, sub_code: str = "") -> None:
        """Refuse every call of this app to that API until then."""
        self._bans[api] = (until, sub_code)

    def charge(self, points: int, now: float) -> None:
        """Take points from the day's budget."""
        self.points.add(now, points)
        self.points_charged += points

    def has_points(self, now: float) -> bool:
        """Whether any of the day's points are left."""
        return self.spec.points_per_day is None or self.points.today(now) < self.spec.points_per_day
