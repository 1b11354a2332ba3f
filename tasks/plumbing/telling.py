"""A task that Redis or the broker did not let do its work says so in one line, with what to do; its work is found again."""

from typing import Any

from celery import Task
from celery.utils.log import get_task_logger
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from tasks.logs import about
from tasks.logs.seldom import Seldom, left_out
from tasks.store.refusals import advice
from tasks.text import shown

log = get_task_logger(__name__)
_refused = Seldom()


class TellingTask(Task):  # type: ignore[type-arg]
    """For tasks whose first argument, or `account`, is an account's name. An error that is none of Redis's has its traceback."""

    throws = (RedisError, KombuError)
    """Celery shows no traceback of these: they are no fault of this code, and come by the hundred."""

    def on_failure(self, exc: BaseException, _id: str, args: Any, kwargs: Any, _info: Any) -> None:
        """Say what a refusal means."""
        if isinstance(exc, self.throws):
            whose = kwargs.get("account") or next((each for each in args if isinstance(each, str)), "")
            why = advice(exc)
            if (left := _refused.left_out(why)) is not None:
                told = about("redis_refused", account=whose or None)
                text = "%s: Redis or the broker %s; what was under way comes again%s"
                log.error(text, shown(whose), why, left_out(left), extra=told)
