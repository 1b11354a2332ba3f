"""One task on its way to a pool process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from celery.utils.log import get_logger
from celery.worker.state import revoked

from tasks.logs import about
from tasks.logs.seldom import Seldom, left_out
from tasks.names import KIND
from tasks.plumbing.pool.child import Call
from tasks.store.deferred import LOST
from tasks.store.refusals import advice

log = get_logger(__name__)
_told = Seldom()


@dataclass(eq=False)
class Job:
    """What a process is to call, and whom to tell, by the names that Celery's pools have for it. Celery holds it weakly."""

    call: Call
    options: Mapping[str, Any]
    kind: str | None

    def tell(self, whom: str, *args: Any, **kwargs: Any) -> None:
        """Call one of the job's callbacks. What breaks there is that task's own."""
        callback = self.options.get(whom)
        if callback is None:
            return
        try:
            callback(*args, **kwargs)
        except (MemoryError, *self.options.get("callbacks_propagate", ())):
            raise
        except LOST as error:
            why = advice(error)
            if (left := _told.left_out(why)) is not None:
                text = "what became of a task is not told: Redis or the broker %s%s"
                log.error(text, why, left_out(left), extra=about("pool_callback_failed"))  # noqa: TRY400 - an outage, no fault
        except Exception:
            log.exception("the pool's %s of a task failed", whom, extra=about("pool_callback_failed"))

    @property
    def revoked(self) -> bool:
        """Whether somebody has asked for this task's end."""
        return self.options.get("correlation_id") in revoked

    def terminate(self, signum: int) -> None:
        """Called before the task has begun; Celery ends the process itself as soon as it has."""


def kind_of(args: Sequence[Any]) -> str | None:
    """The kind of the task that a process is to run with these arguments, of which the third are its message's headers."""
    headers = args[2] if len(args) > 2 else None
    return headers.get(KIND) if isinstance(headers, Mapping) else None
