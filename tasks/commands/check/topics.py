"""What `check` says of topics: registered ones that meet nothing, those that nobody handles, and workers that differ."""

from collections.abc import Iterator

from redis.exceptions import RedisError

from handlers.errors import HandlersError
from handlers.names import is_short
from tasks import clock
from tasks.commands.check.finding import Finding, note, warn
from tasks.commands.handlers import reading
from tasks.commands.handlers.telling import ONE_CODE, WRITE_ONE, told_unhandled
from tasks.runtime import doubted, registry
from tasks.text import shown

ABOUT = "topics"

CORRECT = (
    "correct the topic in @handles, or leave it if the platform does have it: this ends when its first message comes"
)


def topics_findings() -> Iterator[Finding]:
    """Slips in registered topics, what nobody handled today, workers whose handlers differ; the last two if Redis answers."""
    yield from slips()
    yield from ambiguous()
    try:
        counts, strangers = reading.unhandled(clock.now()), reading.strangers()
    except (RedisError, OSError):
        return  # `redis` says so
    if counts:
        yield warn(ABOUT, told_unhandled(counts), f"{WRITE_ONE}; `celery -A tasks handlers` shows all")
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


def ambiguous() -> Iterator[Finding]:
    """Registered short names that fit several topics."""
    try:
        handlers = [each for each in registry() if each.fixed is None and is_short(each.topic)]
    except HandlersError:
        return
    for each in handlers:
        if len(meant := registry().meant(each.topic)) > 1:
            text = (
                f"{shown(each.topic)} ({each.place}) may be {' or '.join(map(shown, meant))}: it meets neither of them"
            )
            yield warn(ABOUT, text, "write the topic in full in @handles")
