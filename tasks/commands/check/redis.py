"""What `check` says of the Redis that keeps state and results, and of the dead letters in it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from redis.exceptions import NoPermissionError, RedisError

from tasks.accounts import AccountsError, VvtoolAccount, load
from tasks.commands.check.finding import Finding, fail, ok, warn
from tasks.commands.check.rights import rights
from tasks.commands.clocks import off
from tasks.commands.sentences import Said
from tasks.pulling.keeping import LEFT_TODO
from tasks.runtime import stores
from tasks.settings import settings
from tasks.store.connection import Client, connect, knock
from tasks.store.refusals import refusal
from tasks.text import shown

LEAST_VERSION = (6, 2)
"""What redis-py and Celery 5.7 ask for."""

ABOUT = "redis"


def absence() -> list[Finding]:
    """That it does not answer; nothing when it does."""
    try:
        knock()
    except NoPermissionError:
        return []
    except (RedisError, ValueError, OSError) as error:
        return [_failed(error)]
    return []


def redis_findings() -> Iterator[Finding]:
    """Whether it keeps what must not be lost, and whether a dead letter in it waits for a person."""
    url = str(settings().redis)
    try:
        info = _told(connect())
        yield from rights(ABOUT, settings().redis, state=True, broker=settings().broker == settings().redis)
        stores().clock.keep()
        wrong = list(off(stores().presences.read(), stores().platform_clocks.read()))
        letters = stores().letters
        number, replies = len(letters), sum(letter.reply for letter in letters.all())
        left = gone()
    except NoPermissionError:
        return  # which rights are missing has been said
    except (RedisError, ValueError, OSError) as error:
        yield _failed(error)
        return
    yield from judged(url, info)
    yield from clocks(wrong)
    yield from waiting(number, replies)
    yield from leftover(left)


def _failed(error: Exception) -> Finding:
    said = refusal(error, "start it, or set TIDINGS_REDIS_URL; `celery -A tasks up` has its own")
    return fail(ABOUT, f"{settings().redis} {said.text}", said.todo)


def _told(client: Client) -> dict[str, Any] | None:
    """Its own description; None when the user may not ask for it."""
    try:
        info: dict[str, Any] = client.info()
    except NoPermissionError:
        return None
    return info


def judged(url: str, info: dict[str, Any] | None) -> Iterator[Finding]:
    """What its own description says."""
    if info is None:
        yield ok(ABOUT, f"{url} answers")
        return
    version = str(info.get("redis_version", "0"))
    if _numbers(version) >= LEAST_VERSION:
        yield ok(ABOUT, f"{url} answers, version {version}")
    else:
        yield fail(ABOUT, f"{url} is version {shown(version)}", "install Redis 6.2 or later, or Valkey")
    if info.get("cluster_enabled"):
        yield fail(ABOUT, "it is a Redis Cluster, which Celery cannot use", "use one Redis, or several under Sentinel")
    if info.get("role") == "slave":
        todo = "give the primary's address, or Sentinel's: sentinel://HOST/0?master=NAME"
        yield fail(ABOUT, "it is a read-only replica", todo)
    if info.get("aof_enabled"):
        yield ok(ABOUT, "its append-only file is on")
    else:
        text = "its append-only file is off: a restart loses letters, inbox and what was handled"
        yield warn(ABOUT, text, "set `appendonly yes`")
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy == "noeviction":
        yield ok(ABOUT, "it evicts nothing")
    else:
        yield warn(ABOUT, f"it throws keys away when it is full ({shown(policy)})", "set `maxmemory-policy noeviction`")


def clocks(wrong: Sequence[tuple[Said, Said]]) -> Iterator[Finding]:
    """What is to be said of clocks that are off, and what is to be done."""
    if not wrong:
        yield ok("clock", "this machine, workers, beats and platforms agree with Redis")
    for clock, todo in wrong:
        yield warn("clock", clock.told(), todo.told())


def waiting(letters: int, replies: int) -> Iterator[Finding]:
    """What so many dead letters mean, of which some are whole replies that could not be read."""
    if not letters:
        yield ok("letters", "no dead letter waits")
        return
    text = f"{letters} dead letters wait: messages that no handler could take, or that could not be read"
    yield warn("letters", text, "look at them with `celery -A tasks letters list`, then replay or drop them")
    if replies:
        text = f"{replies} of them are replies from the inbox that cannot be read, each with all messages of a pull"
        todo = "`celery -A tasks letters list --reason 'reply cannot be read'`; replay them when the cause is gone"
        yield warn("letters", text, todo)


def gone() -> dict[str, int]:
    """Accounts that are gone, or of another platform now, with how many replies they have left; none where nobody can tell, which
    has been said."""
    try:
        found = load(settings().accounts).accounts
    except AccountsError:
        return {}
    return stores().inbox.left({name for name, account in found.items() if isinstance(account, VvtoolAccount)})


def leftover(left: Mapping[str, int]) -> Iterator[Finding]:
    """What accounts that are gone have left in the inbox."""
    for account, replies in left.items():
        text = f"{shown(account)} is no account of vv-tool now, and {replies} stored replies of its are not done with"
        yield warn("inbox", text, LEFT_TODO)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split(".")[:2])
