"""The result backend: Celery's own, without the subscriptions that nobody reads, and with a cheaper count of chords.

`chord()` called inside a worker subscribes once for each header task and never lets go
(https://github.com/celery/celery/issues/5320 and others): a worker's memory and Redis's output buffer grow with every batch.
Nothing in a worker waits for a result here, so nothing has to be watched there.

The chord of a batch is counted in `tasks.store.parts`, any other as Celery does.
"""

from collections.abc import Mapping
from typing import Any

from celery import _state
from celery.backends.redis import RedisBackend
from celery.canvas import maybe_signature
from celery.exceptions import ChordError
from celery.states import SUCCESS

from tasks.rules.lease import Batch
from tasks.runtime import stores
from tasks.settings import settings
from tasks.store.connection import made

HEADERS = "tidings_headers"
"""The message header of a chord's callback that tells how many headers its batch has."""


def counted_here(callback: Any, headers: int) -> Any:
    """The callback, marked as that of a batch with so many headers."""
    return callback.set(headers={HEADERS: headers})


class QuietRedisBackend(RedisBackend):
    """Leaves out the subscription where a task, rather than a client, starts other tasks. Connects as the state does."""

    def _params_from_url(self, _url: str, defaults: dict[str, Any]) -> dict[str, Any]:
        """Nothing: the address is that of the settings, in whatever way it is written there."""
        return defaults

    def _get_pool(self, **_: Any) -> Any:
        return made(settings().redis).connection_pool

    def as_uri(self, include_password: bool = False) -> str:  # noqa: ARG002 - it has none
        """Where results are, for people; never with the password."""
        return str(settings().redis)

    def add_pending_result(self, result: Any, weak: bool = False, start_drainer: bool = True) -> Any:
        """Watch for a result, unless this is a worker or a task that runs outside of one."""
        if _state.task_join_will_block() or _state.get_current_worker_task() is not None:  # type: ignore[attr-defined]
            return result
        return super().add_pending_result(result, weak=weak, start_drainer=start_drainer)  # type: ignore[call-arg]

    def on_chord_part_return(self, request: Any, state: str, result: Any, propagate: Any = None, **more: Any) -> Any:
        """Count a header that has ended; the last one starts the callback, or its errback when a header was killed."""
        size = headers_of(request.chord)
        if size is None:
            return super().on_chord_part_return(request, state, result, propagate, **more)
        batch = Batch.from_json(request.chord["kwargs"])
        value = result if state == SUCCESS else None
        backend: Any = self

        def complete(values: list[Any]) -> None:
            callback: Any = maybe_signature(request.chord, app=backend.app)
            if None in values:
                try:
                    raise ChordError("a header was killed")  # noqa: TRY301 - the line below wants one that is being handled
                except ChordError as error:
                    backend.chord_error_from_stack(callback, error)
            else:
                callback.apply_async((values,), argsrepr=f"({len(values)} outcomes)")  # Celery's own names each
            stores().parts.drop(batch.id)
            backend.client.delete(backend.get_key_for_group(request.group, ".s"))

        stores().parts.add(batch.id, size, request.group_index or 0, value, batch.remembered, complete)
        return None


def headers_of(chord: Mapping[str, Any] | None) -> int | None:
    """How many headers the chord of a batch has; None for any other chord."""
    options = (chord or {}).get("options") or {}
    found = (options.get("headers") or {}).get(HEADERS)
    return None if found is None else int(found)
