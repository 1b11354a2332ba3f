"""Everything that the simulated platforms keep, in memory."""

import hashlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import model_validator

from tasks.sandbox.memory.apps import BUILT_IN, App, AppSpec
from tasks.sandbox.memory.book import Book
from tasks.sandbox.memory.counter import CounterRow
from tasks.sandbox.memory.exchange import Platform, Strict
from tasks.sandbox.memory.faults import Faults, FaultSpec
from tasks.sandbox.memory.queue import DestructiveQueue, Entry, Queue
from tasks.sandbox.memory.switches import Switches
from tasks.sandbox.memory.wires import Draft, Ids, wire_of


class Publication(Strict):
    """Messages for one queue. Without an app it is the platform's built-in one."""

    platform: Platform
    app: str | None = None
    group: str = ""
    shop_id: str = ""
    messages: list[Draft]

    @model_validator(mode="after")
    def _has_place(self) -> "Publication":
        if (self.platform == "vvtool") != bool(self.shop_id) or (self.platform == "vvtool" and self.group):
            raise ValueError("vvtool needs a shop_id, taobao and qianmi take a group")
        return self


class State:
    """The platforms' memory. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time, switches: Switches | None = None) -> None:
        self.clock = clock
        self.ids = Ids()
        self._initial = switches or Switches()
        self.reset()

    def reset(self) -> None:
        """Back to the start: no messages, no faults, the built-in apps, the switches that it was started with."""
        self.switches = self._initial
        self.faults, self.book = Faults(), Book()
        self.counters: dict[tuple[str, str, str], CounterRow] = {}
        self.rows = self.requests = 0
        self._apps: dict[tuple[str, str], App] = {}
        for spec in BUILT_IN:
            self.set_app(spec)

    def set_app(self, spec: AppSpec) -> App:
        """Add an app, or give one new settings; its queues stay."""
        app = self._apps.get((spec.platform, spec.key))
        if app is None:
            name = spec.name or spec.app_key or f"vvtool-{hashlib.sha256(spec.token.encode()).hexdigest()[:6]}"
            app = self._apps[spec.platform, spec.key] = App(spec, name)
        app.configure(spec)
        return app

    def apps(self) -> Iterator[App]:
        """All apps, in the order they were added."""
        return iter(self._apps.values())

    def app(self, platform: Platform, key: str) -> App | None:
        """The app that a request names by its app key or token."""
        return self._apps.get((platform, key))

    def named(self, platform: Platform, name: str | None) -> App:
        """The app of that key, token or name; the platform's first one for None. Raises ValueError."""
        apps = [app for app in self._apps.values() if app.spec.platform == platform]
        for app in apps:
            if name is None or name in (app.name, app.spec.key):
                return app
        raise ValueError(f"there is no such app on {platform}; add it by PUT /sandbox/apps")

    def add_fault(self, spec: FaultSpec) -> str:
        """Set a fault; returns its id."""
        known = None if spec.app is None else self.named(spec.platform, spec.app).name
        group = None if spec.group is None else group_key(spec.group)
        return self.faults.add(spec.model_copy(update={"app": known, "group": group}))

    def switch(self, change: dict[str, Any]) -> Switches:
        """Change these switches, and inside `lease_seconds` these platforms; the others keep their values. Returns all."""
        values = self.switches.model_dump()
        leases = change.get("lease_seconds")
        if isinstance(leases, dict):
            change = {**change, "lease_seconds": {**values["lease_seconds"], **leases}}
        self.switches = Switches.model_validate({**values, **change})
        return self.switches

    def set_counter(self, counter: CounterRow) -> None:
        """Set what Taobao's counter says of one topic and user."""
        self.counters[counter.user_id, counter.sub_user_id, counter.topic] = counter

    def queue(self, app: App, key: str) -> Queue:
        """The queue of that group or shop, made when it is first asked for."""
        queue = app.queues.get(key)
        if queue is None:
            queue = app.queues[key] = DestructiveQueue() if app.spec.platform == "vvtool" else Queue()
        return queue

    def horizon(self, now: float) -> float:
        """What was published before then is too old to be sent."""
        return now - self.switches.retention_seconds

    def publish(self, publication: Publication) -> list[str]:
        """Queue the messages, all or none; returns their ids. Raises ValueError for an id taken or malformed."""
        app = self.named(publication.platform, publication.app)
        key = publication.shop_id or group_key(publication.group)
        now, queue = self.clock(), self.queue(app, key)
        entries = [self._entry(app, draft, now) for draft in publication.messages]
        taken = queue.entries if isinstance(queue, DestructiveQueue) else app.homes
        names = [queue.name_of(entry.id, entry.topic) for entry in entries]
        if len(set(names)) < len(names) or not taken.keys().isdisjoint(names):
            raise ValueError("a message id is taken already; ids are unique within an app (on vvtool with their topic)")
        for entry in entries:
            queue.add(entry)
        if taken is app.homes:
            app.homes.update(dict.fromkeys(names, queue))
        return [entry.id for entry in entries]

    def _entry(self, app: App, draft: Draft, now: float) -> Entry:
        platform, raw = app.spec.platform, self.switches.vvtool_raw_utf8
        id_ = self.ids.next(platform, now) if draft.id is None else str(draft.id)
        self.rows += platform == "vvtool"
        wire = wire_of(draft, platform, id_, app.spec.app_key, now, row=self.rows, raw=raw)
        return Entry(id_, draft.topic, wire, now)

    def sweep(self) -> None:
        """Forget messages older than the retention."""
        horizon = self.horizon(self.clock())
        for app in self.apps():
            for queue in app.queues.values():
                for id_ in queue.forget(horizon):
                    app.homes.pop(id_, None)


def group_key(name: str) -> str:
    """The key of a group: both platforms call the default group `default`, or leave it out."""
    return "" if name == "default" else name
