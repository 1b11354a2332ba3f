"""What `check` says of whose Redis it is."""

from collections.abc import Iterator

from redis.exceptions import RedisError

from tasks.address.home import remembered
from tasks.commands.check.finding import Finding, fail, note, ok
from tasks.commands.processes.valkey import obstacle
from tasks.runtime import refusal, stores, whereabouts
from tasks.settings import settings
from tasks.store.connection import knock
from tasks.text import shown

ABOUT = "install"
ANOTHER = "unset TIDINGS_INSTALLATION, or set TIDINGS_REDIS_URL to the Redis of the one that it means"
TODO = "make room there, or set TIDINGS_HOME to a folder that can be written to"


def whose() -> tuple[list[Finding], bool]:
    """Which installation it is, and whether its Redis is to be looked at: before the first `up` there is none, or another's."""
    here = settings()
    try:
        why = refusal()
        if not why:
            knock()  # once, as what asks below tries again and again
        found = None if why else stores().installations.read()
    except (RedisError, ValueError, OSError):
        if here.told or here.found_at_home:
            return [], True  # `redis` says so
        text = f"no Redis answers at {here.redis}: `up` starts a Valkey of its own; for workers alone set TIDINGS_REDIS_URL"
        return [note(ABOUT, text), *home()], False
    if why:
        return refused(why), False
    return [ok(ABOUT, f"{found} at {whereabouts()}") if found else none_yet()], True


def none_yet() -> Finding:
    """What is to be said of a Redis that can be worked with and holds no installation."""
    text = f"none yet at {whereabouts()}: the first worker or beat begins one there"
    if not (meant := settings().installation):
        return ok(ABOUT, text)
    return note(ABOUT, f"{text}, as {shown(meant)}; if that one ran before, its Redis was emptied or is another one")


def refused(why: str) -> list[Finding]:
    """What is to be said of an installation that nothing here may work with."""
    here = settings()
    known = remembered(here.home) if here.found_at_home else None
    if here.told:
        return [fail(ABOUT, why, "set TIDINGS_REDIS_URL and TIDINGS_INSTALLATION to those of one installation")]
    if known and here.installation != known.id:
        why = f"TIDINGS_INSTALLATION is {shown(here.installation)}, and the installation in {here.home} is {known.id}"
        return [fail(ABOUT, why, ANOTHER)]
    if here.installation and not known:
        return [fail(ABOUT, why, ANOTHER)]
    return [note(ABOUT, why), *home()]


def home() -> Iterator[Finding]:
    """Why the `up` that the lines above speak of could not start in its folder, if so."""
    if why := obstacle(settings().home):
        yield fail(ABOUT, f"`up` cannot keep its Valkey's data in {shown(settings().home)}: {shown(why)}", TODO)
