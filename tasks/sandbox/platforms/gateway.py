"""What Taobao's and Qianmi's gateways share: Qianmi's message service is Taobao's, method for method, under other names."""

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from tasks.clock import published
from tasks.sandbox.memory.apps import App
from tasks.sandbox.memory.exchange import Answer, Call, Refused, Target, number_of, require
from tasks.sandbox.memory.faults import FaultSpec
from tasks.sandbox.memory.queue import Queue
from tasks.sandbox.memory.state import group_key
from tasks.sandbox.platforms.respond import Simulated
from tasks.sandbox.platforms.spoil import ITEMS, reply_items, with_items

VERBS = frozenset({"GET", "POST"})
WINDOW = 600
"""How far a request's timestamp may be off, in seconds (both platforms: ten minutes)."""

_MILLISECONDS = re.compile(r"\d{13}", re.ASCII)


class Method(NamedTuple):
    """One API: its short name, what answers it, whether it needs a session (on qianmi an access token)."""

    api: str
    run: Callable[[Any, Call, App, Target], Answer]
    needs_session: bool = False


class Gateway(Simulated):
    """A gateway with one address, where the parameter `method` names the API."""

    methods: ClassVar[Mapping[str, Method]]
    key_name: str
    """The parameter that names the app."""

    default_format: str
    quantities: range
    messages: tuple[str, str]
    """The two wrappers of the messages in a reply."""

    missing: tuple[str, str]
    """Code and text for a required argument that is not there."""

    faults: ClassVar[Mapping[str, tuple[str, str]]]
    """Code and sub code that faults of a kind answer unless they have their own."""

    dumps: Callable[[object], str]
    """How JSON is written."""

    array: tuple[bytes, bytes, bytes]
    """What opens an array of messages, stands between them, and closes it."""

    @abstractmethod
    def admitted(self, call: Call, target: Target, *, needs_session: bool) -> App:
        """The app whose call it is, once everything but the API's own arguments is right, checked in the gateway's order."""

    @abstractmethod
    def invalid(self, name: str, reason: str) -> Refused:
        """The refusal of an argument that is wrong for that reason."""

    def target(self, call: Call) -> Target:
        app = self.state.app(self.platform, call.params.get(self.key_name, ""))
        method = self.methods.get(call.params.get("method", ""))
        key = group_key(call.params.get("group_name", ""))
        return Target(self.platform, app.name if app else "", method.api if method else "unknown", key)

    def answer(self, call: Call, target: Target) -> Answer:
        method = self.methods.get(call.params.get("method", ""))
        app = self.admitted(call, target, needs_session=method is not None and method.needs_session)
        return self.methods[call.params["method"]].run(self, call, app, target)

    def fault_refusal(self, fault: FaultSpec) -> Refused:
        code, sub_code = self.faults.get(fault.kind, ("", ""))
        return Refused(fault.code or code, fault.text, fault.sub_code or sub_code, fault.sub_text)

    def consume(self, call: Call, app: App, target: Target) -> Answer:
        """messages.consume: a lease on the group's next messages."""
        quantity, queue = self.quantity(call), self.queue(call, app)
        batch = queue.take(quantity, call.now, self.due(call.now), self.state.horizon(call.now))
        return self.listing(call, reply_items(self.state.faults, target, queue, batch, call.now), *self.messages)

    def permit(self, call: Call, _app: App, _target: Target) -> Answer:
        """user.permit: nothing has to be permitted here, all topics come."""
        return self.success(call)

    def due(self, now: float) -> float:
        """When a lease that begins now ends."""
        lease: float = getattr(self.state.switches.lease_seconds, self.platform)
        return now + lease

    def required(self, call: Call, name: str) -> str:
        """The argument of that name. Raises `Refused` when it is missing or empty."""
        code, text = self.missing
        return require(call.params.get(name), code, f"isv.missing-parameter:{name}", text.format(name))

    def quantity(self, call: Call) -> int:
        """How many messages are asked for, 100 unless told. Raises `Refused`."""
        number = number_of(call.params.get("quantity") or "100")
        if number is None or number not in self.quantities:
            raise self.invalid("quantity", f"{self.quantities[0]} to {self.quantities[-1]}")
        return number

    def queue(self, call: Call, app: App) -> Queue:
        """The queue of the group that the call names. Raises `Refused`."""
        name = group_key(call.params.get("group_name", ""))
        if name and self.state.switches.strict_groups and name not in app.spec.groups:
            raise self.invalid("group_name", f"there is no group {name}")
        return self.state.queue(app, name)

    def success(self, call: Call, items: int = 0) -> Answer:
        """The reply of an API that only tells that it did what was asked, with so many ids."""
        answer = self.reply(call, {"is_success": True})
        answer.items = items
        return answer

    def listing(self, call: Call, items: Sequence[bytes], outer: str, inner: str) -> Answer:
        """A reply with a list: doubly wrapped, `{outer: {inner: [...]}}`, unless the call asked for `simplify`."""
        empty, simple = getattr(self.state.switches, f"{self.platform}_empty"), self.is_simple(call)
        if items:
            return self.reply(call, {outer: ITEMS if simple else {inner: ITEMS}}, items)
        if empty == "absent":
            return self.reply(call, {})
        return self.reply(call, {outer: [] if simple else {inner: []} if empty == "array" else {}})

    def reply(self, call: Call, members: Mapping[str, object], items: Sequence[bytes] = ()) -> Answer:
        """The response under its root, which is named for the method; with `simplify` it is the root itself."""
        root = call.params["method"].partition(".")[2].replace(".", "_") + "_response"
        body = self.dumps(members if self.is_simple(call) else {root: members}).encode()
        return self.written(call, with_items(body, items, self.array), items=len(items))

    def written(self, _call: Call, body: bytes, code: str = "ok", items: int = 0) -> Answer:
        """The answer with that JSON, in the format that the call asked for."""
        return Answer(body, code, items)

    def format_of(self, call: Call) -> str:
        """The format that the call asked for."""
        return call.params.get("format", self.default_format)

    def is_simple(self, call: Call) -> bool:
        """Whether the reply goes without wrappers."""
        return call.params.get("simplify") == "true" and self.format_of(call) == "json"


def is_fresh(text: str, now: float, *, milliseconds: bool = False) -> bool:
    """Whether a request's timestamp is one, in GMT+8, and lies within the window. `milliseconds` also allows 13 digits."""
    if milliseconds and _MILLISECONDS.fullmatch(text):
        return abs(now - int(text) / 1000) <= WINDOW
    at = published(text)
    return at is not None and abs(now - at.timestamp()) <= WINDOW
