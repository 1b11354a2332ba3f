"""What `check` says of topics: registered ones that meet nothing, those that nobody handles, and workers that differ."""

from collections.abc import Iterator

from redis.exceptions import RedisError

from handlers.errors import HandlersError
from tasks.commands.check.finding import Finding, note, warn
from tasks.commands.handlers import reading
from tasks.commands.handlers.telling import ONE_CODE, WRITE_ONE, said_stranger, said_unhandled
from tasks.commands.sentences import Said, Sentence
from tasks.runtime import doubted, left_aside, stores
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
        todo = f"{WRITE_ONE.told()}; `celery -A tasks handlers` shows all"
        yield warn(ABOUT, said_unhandled(counts.still).told(), todo)
    if counts.mended:
        yield note(ABOUT, Said(Sentence.MENDED, {"unhandled": said_unhandled(counts.mended)}).told())
    for each in strangers:
        yield warn("handlers", said_stranger(each).told(), ONE_CODE.told())


def slips() -> Iterator[Finding]:
    """Registered topics and patterns that fit nothing that is known or arrived, and handlers that nobody looks for."""
    try:
        found, others = doubted(), left_aside()
    except HandlersError:
        return  # `handlers` says so
    for each in others:
        said, _, todo = each.partition("; ")
        yield warn("handlers", shown(said, 500), todo)
    for doubt in found:
        if doubt.meant:
            yield warn(ABOUT, shown(doubt, 500), CORRECT)
        else:
            yield note(ABOUT, shown(doubt, 500))
