"""A task on its way through the worker's main process, which hands it on as it is: only the pool looks into it.

Celery decodes every task's arguments in the main process and sends them to the pool beside the message's body, which holds
them too. Here they stay in the body until somebody asks, as the main process does when a pool process was lost.
"""

from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Any

from billiard.exceptions import WorkerLostError
from celery.utils.log import get_logger
from celery.worker.request import Request

from tasks import clock
from tasks.logs import about
from tasks.plumbing.group_signals import for_children

log = get_logger(__name__)

NOTHING: tuple[Any, ...] = ((), {}, {})
"""Arguments, keyword arguments, and what is to follow the task."""


class DiscreetRequest(Request):
    """Celery's request, which shows of a task's arguments what their sender made to be shown.

    Its times were set by the common clock (`Tidings.now`). Celery waits for them, and judges them, by this machine's.
    """

    _eta: datetime | None
    _expires: datetime | None

    @property
    def eta(self) -> datetime | None:
        """When the task is to start, by this machine's clock."""
        return self._eta and clock.by_machine(self._eta)

    @property  # type: ignore[misc]  # nobody sets it
    def expires(self) -> datetime | None:  # type: ignore[override]  # its types leave out that there may be none
        """When the task is worth nothing any more, by this machine's clock."""
        return self._expires and clock.by_machine(self._expires)

    def info(self, safe: bool = True) -> Any:  # noqa: ARG002 - `celery inspect` asks for the arguments themselves
        """What `celery inspect` and Flower show of a task in the worker."""
        return super().info(safe=True)

    def terminate(self, pool: Any, signal: Any = None) -> None:
        """End the pool process that runs the task, as `revoke --terminate` asks."""
        super().terminate(pool, for_children(signal))

    def cancel(self, pool: Any, signal: Any = None, emit_retry: bool = True) -> None:
        """The same in a cold shutdown: the task is to be run again. Nobody can end a thread."""
        with suppress(NotImplementedError):
            super().cancel(pool, for_children(signal), emit_retry)


class PlainRequest(DiscreetRequest):
    """The same, which leaves a task's arguments in its body."""

    _message: Any
    _request_dict: Any

    def __init__(self, message: Any, **options: Any) -> None:
        if options.get("decoded"):  # of the old kind
            super().__init__(message, **options)
            return
        body = options.pop("body", None)
        super().__init__(message, **{**options, "decoded": True, "body": NOTHING})
        self._decoded, self._body = False, message.body if body is None else body
        self._content_type, self._content_encoding = message.content_type, message.content_encoding

    @cached_property
    def _payload(self) -> Any:
        if self._decoded:
            return self._body
        try:
            return tuple(self._message.payload)
        except Exception:
            return NOTHING  # the pool has told of it already

    @cached_property
    def _context(self) -> Any:
        """What is told of the task when its process was lost; Celery may send it again from here."""
        self._request_dict.update(args=self.args, kwargs=self.kwargs)
        return super()._context  # type: ignore[misc]

    @property
    def args(self) -> Any:
        """The task's positional arguments."""
        return self._payload[0]

    @property
    def kwargs(self) -> Any:
        """The task's keyword arguments."""
        return self._payload[1]


class WireRequest(PlainRequest):
    """The same of a task that runs in a lane, whose process nobody ends for the sake of one: others run in it."""

    limits = "its calls have limits of time"
    _announce_cancelled: Any

    def terminate(self, pool: Any, signal: Any = None) -> None:  # noqa: ARG002 - Celery's way to call it
        """Leave the task alone, as `revoke --terminate` cannot end it by itself."""
        log.warning(
            "%s[%s] shares its process with others and is not ended; %s",
            self.name,
            self.id,
            self.limits,
            extra=about("task_not_ended", task=self.name, task_id=self.id),
        )

    def cancel(self, pool: Any, signal: Any = None, emit_retry: bool = True) -> None:  # noqa: ARG002 - and here
        """In a cold shutdown: the lane ends as a whole, a little later."""
        if self.time_start:
            self._announce_cancelled(emit_retry=emit_retry)

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> None:
        """Have a failure told. Of a lane that has died one line tells, not a traceback for each task that was in it."""
        lost = issubclass(exc_info.type or object, WorkerLostError)
        super().on_failure(exc_info, send_failed_event, return_ok or lost)


class GuestRequest(WireRequest):
    """The same of a message for an async handler, which needs none of the places of those that run in the pool."""

    limits = "it has a limit of time"

    def set_aside(self) -> None:
        """Leave its place, where the transport counts them here."""
        channel: Any = getattr(self._message, "channel", None)
        if hasattr(channel, "set_aside"):
            channel.set_aside(self._message.delivery_tag)

    def on_accepted(self, pid: Any, time_accepted: float) -> None:
        """Note that it has begun, and leave its place, if it has waited in it for the lane."""
        self.set_aside()
        super().on_accepted(pid, time_accepted)
