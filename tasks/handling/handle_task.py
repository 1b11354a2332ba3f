"""What Celery's task for handling is besides its function: what it shows of a message, and what a process claims ahead."""

from collections.abc import Mapping, Sequence
from typing import Any

from celery import Task

from tasks.handling import ahead, asked, contents, timer, turns
from tasks.names import KIND, TURN
from tasks.rules.lease import HARD_GRACE, Batch
from tasks.runtime import registry, stores
from tasks.store.keys import mark_of
from tasks.store.marks import Hold
from tasks.text import shown


class HandleTask(Task):  # type: ignore[type-arg]
    """Shows account, topic and message id wherever Celery shows a task's arguments, and nothing else of the message."""

    def apply_async(self, args: Any = None, kwargs: Any = None, *more: Any, **options: Any) -> Any:
        """Send the task, its arguments described without its content, and of which kind it is to the pool."""
        delivery = (kwargs or {}).get("delivery", {})
        headers = {KIND: delivery.get("topic"), **(options.get("headers") or {})}
        if TURN in headers or delivery.get("waits"):  # a retry's headers are those that it came with
            headers[TURN] = mark_of(delivery["names"]) if delivery.get("waits") else None
        told = described_arguments(delivery)
        own = {"argsrepr": "()", "kwargsrepr": told, "headers": headers}
        return super().apply_async(args, kwargs, *more, **{**options, **own})

    def prepare(self, many: Sequence[Mapping[str, Any]]) -> None:
        """Claim what is about to be handled one after the other in this process, given the keyword arguments of each."""
        fields = contents.fetched(kwargs["delivery"] for kwargs in many)
        ahead.offer(fields)
        stores().marks.hold([held(each) for each in fields])

    def claim(self, many: Sequence[Mapping[str, Any]]) -> None:
        """Begin what threads of this process are about to handle side by side, given the keyword arguments of each."""
        fields = contents.fetched(kwargs["delivery"] for kwargs in many)
        if some := [hold for each in fields if (hold := claimed(each))]:
            stores().marks.claim(some)

    def unclaim(self, kwargs: Mapping[str, Any]) -> None:
        """Leave what was claimed and not handled after all to others."""
        stores().marks.leave(kwargs["delivery"]["names"])

    def orphaned(self, many: Sequence[Mapping[str, Any]]) -> None:
        """Let others begin what a process that is gone was handling, given the keyword arguments of each."""
        fields = [kwargs["delivery"] for kwargs in many]
        stores().marks.orphan([(each["names"], Batch.from_json(each).handing_out) for each in fields])


def held(fields: Mapping[str, Any]) -> Hold:
    """What is to be held of one message: with its key where that is known and all of the key's messages are handled."""
    names, batch = fields["names"], Batch.from_json(fields)
    handler = asked.handler(fields["topic"], fields["platform"], registry())
    if handler is None or handler.options.key is None or handler.options.latest:
        return Hold(names, batch.handing_out)
    seconds = timer.seconds(batch.lease, handler.options.timeout) + HARD_GRACE
    turn = turns.of_member(handler, names, batch, fields["content"], fields["pub_time"])
    return Hold(names, batch.handing_out, turn, seconds)


def claimed(fields: Mapping[str, Any]) -> Hold | None:
    """What is to be claimed of one message: none of one that has a key, waits for its time, or has no handler."""
    batch, handler = Batch.from_json(fields), asked.handler(fields["topic"], fields["platform"], registry())
    if handler is None or handler.options.key is not None or fields.get("not_before"):
        return None
    seconds = timer.seconds(batch.lease, handler.options.timeout) + HARD_GRACE
    return Hold(fields["names"], batch.handing_out, seconds=seconds)


def described_arguments(delivery: Mapping[str, Any]) -> str:
    """What Celery may show of a handle task's arguments."""
    return repr({name: shown(delivery.get(name, "")) for name in ("account", "topic", "id")})
