"""What `check` says of the rights of the user that logs in to a Redis.

Every command that workers, beat and the other commands need is sent behind MULTI and thrown away with the connection: Redis looks
at rights when it notes a command, so the answer is that of the real one and nothing is done. Subscriptions are really made, and
one small key is really written, which finds a Redis that is full or read-only.
"""

from collections.abc import Iterable, Iterator, Sequence
from uuid import uuid4

from redis.exceptions import NoPermissionError, ResponseError

from tasks.address import Address
from tasks.commands.check.finding import Finding, fail, note, ok
from tasks.store.connection import Client, made
from tasks.text import shown

KEYS, CHANNELS = "~tidings:*", "&tidings:*"
BOTH = """
DEL k|EXISTS k|EXPIRE k 9|PEXPIRE k 9|GET k|SET k 1|LLEN k|LRANGE k 0 1|RPUSH k 1|RPOP k|HGET k f|HMGET k f|HSET k f 1|HDEL k f
ZADD k 1 m|ZCARD k|ZRANGE k 0 1|ZRANGEBYSCORE k 0 1|ZREM k m|ZSCORE k m
EVAL return(1) 1 k|EVALSHA x 1 k|SCRIPT|LOAD return(1)|SCRIPT|EXISTS x|TIME|PING
"""
STATE = """
MGET k|LTRIM k 0 1|SETEX k 9 1|PTTL k|INCRBY k 1|HGETALL k|HEXISTS k f|HINCRBY k f 1|HKEYS k|HLEN k|HSETNX k f 1|HVALS k
ZCOUNT k 0 1|ZMSCORE k m|ZRANK k m|ZREMRANGEBYSCORE k 0 1|ZREVRANGE k 0 1|ZREVRANGEBYSCORE k 1 0
PUBLISH tidings:celery-task-meta-check 1
BITFIELD k GET u8 0|SADD k m|SCARD k|SISMEMBER k m|SMEMBERS k|SREM k m
"""
BROKER = "BRPOP k 1|LPUSH k 1|SADD k m|SMEMBERS k|SREM k m"
USEFUL = "INFO|WAITAOF 0 0 1"
"""What makes something better only: `check` tells of the server, and vv-tool's replies are on disk before they are read."""


def rights(about: str, address: Address, *, state: bool, broker: bool) -> Iterator[Finding]:
    """Whether the user of this address may do what is done to the state, or to the broker, or to both, and whether there are such
    commands. Raises what a Redis says that takes nothing."""
    client = made(address, decode_responses=True)
    user = shown(address.login.user or "default")
    needed = commands(BOTH, STATE if state else "", BROKER if broker else "")
    try:
        tried = list(_tried(client, needed))
        missing = [*_refused(tried), *(_deaf(client, address.database) if broker else ())]
        useful = list(_refused(_tried(client, commands(USEFUL)))) if state and not missing else []
        if not missing:
            _write(client)
    finally:
        client.close()
    if absent := _listed(command[0] for command, answer in tried if "unknown command" in str(answer)):
        todo = "use Redis 6.2 or later, or Valkey, and take `rename-command` out of its configuration"
        yield fail(about, f"it does not know commands that workers need: {absent}", todo)
    if missing:
        yield fail(about, f"its user lacks rights that workers need: {_listed(missing)}", _remedy(user, missing))
    elif not absent:
        yield ok(about, "its user may do what workers do")
    if useful:
        yield note(about, f"its user lacks rights that are of use: {_listed(useful)}: {_remedy(user, useful)}")


def commands(*texts: str) -> list[list[str]]:
    """The commands that are written in these texts, as words."""
    lines = "\n".join(texts).replace("SCRIPT|", "SCRIPT ").replace("|", "\n").split("\n")
    return [line.split() for line in lines if line.strip()]


def _tried(client: Client, sent: Sequence[Sequence[str]]) -> Iterator[tuple[Sequence[str], object]]:
    """Each of these commands with what is said of it; none but MULTI where that is refused."""
    name = f"tidings:check:{uuid4().hex}"
    connection = client.connection_pool.get_connection()
    try:
        for first in (("WATCH", name), ("MULTI",), ("EXEC",), ("MULTI",)):
            connection.send_command(*first)
            if isinstance(answer := _answer(connection), NoPermissionError):
                yield first, answer
                if first[0] != "WATCH":
                    return
        for command in sent:
            connection.send_command(*(name if word == "k" else word for word in command))
            yield command, _answer(connection)
    finally:
        connection.disconnect()
        client.connection_pool.release(connection)


def _refused(tried: Iterable[tuple[Sequence[str], object]]) -> Iterator[str]:
    """The ACL rules that are missing for these commands."""
    return (_rule(answer, command) for command, answer in tried if isinstance(answer, NoPermissionError))


def _answer(connection: Client) -> object:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


def _rule(error: Exception, command: Sequence[str]) -> str:
    """What to add for a command that was refused, as ACL SETUSER has it."""
    said = str(error)
    if "run the" not in said:
        return CHANNELS if "channel" in said else KEYS
    return f"+{'|'.join(command[:2]) if command[0] == 'SCRIPT' else command[0]}".lower()


def _deaf(client: Client, database: int) -> Iterator[str]:
    """The ACL rules that are missing for the remote control and the events of Celery, which every worker subscribes to."""
    start = f"tidings:/{database}.celery"
    yield from _refused(_tried(client, [["PUBLISH", f"{start}{name}", "1"] for name in (".pidbox", "ev/worker.check")]))
    for pattern in (f"{start}.pidbox", f"{start}ev/*", f"{start}ev/worker.*"):
        with client.pubsub() as listening:
            try:
                listening.psubscribe(pattern)
                listening.get_message(timeout=5)
            except NoPermissionError as error:
                yield f"&{pattern}" if "run the" not in str(error) else "+psubscribe"


def _write(client: Client) -> None:
    name = f"tidings:check:{uuid4().hex}"
    client.set(name, "1", ex=60)
    client.delete(name)


def _listed(rules: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(rules))


def _remedy(user: str, rules: Iterable[str]) -> str:
    return f"ACL SETUSER {user} {_listed(rules)} (the whole line is in docs/redis.md)"
