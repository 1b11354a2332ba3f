"""What `check` says of topics: registered ones that meet nothing, those that nobody handles, and workers that differ."""

from collections.abc import Iterator

from redis.exceptions import RedisError

from handlers.errors import HandlersError
from tasks.commands.check.finding import Finding, note, warn
from tasks.commands.handlers import reading
from tasks.commands.handlers.telling import HAS_ONE, ONE_CODE, WRITE_ONE, told_unhandled
from tasks.runtime import doubted, stores
from tasks.text import shown

ABOUT = "topics"

CORRECT = (
    "correct the topic in @handles, or leave it if the platform does have it: this ends when its first message comes"
)


def topics_findings() -> Iterator[Finding]:
    """Slips in registered topics, what nobody handled today, workers whose handlers differ; the last two if Redis answers."""
    yield from slips()
    try:
        counts, strangers = reading.unhandled(stores().clock.now()), reading.strangers()
    except (RedisError, OSError):
        return  # `redis` says so
    if counts.still:
        yield warn(ABOUT, told_unhandled(counts.still), f"{WRITE_ONE}; `celery -A tasks handlers` shows all")
    if counts.mended:
        yield note(ABOUT, f"{told_unhandled(counts.mended)}; {HAS_ONE}")
    for said in strangers:
        yield warn("handlers", said, ONE_CODE)


def slips() -> Iterator[Finding]:
    """Registered topics and patterns that fit nothing that is known or arrived."""
    try:
        found = doubted()
    except HandlersError:
        return  # `handlers` says so
    for doubt in found:
        if doubt.meant:
            yield warn(ABOUT, shown(doubt, 500), CORRECT)
        else:
            yield note(ABOUT, shown(doubt, 500))
