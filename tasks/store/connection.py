"""The one place that makes Redis clients."""

from functools import cache
from typing import Any

from redis import Redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.credentials import CredentialProvider
from redis.retry import Retry
from redis.sentinel import Sentinel

from tasks.address import Address, Login, parse
from tasks.settings import settings

Client = Any
"""A `redis.Redis` whose replies are text. Its own types say bytes or text, lists or pairs, whatever was asked of it."""

SOCKET_SECONDS = 4
"""A Redis that says nothing for so long is treated as gone. A process may meet some half-open connections one after the other,
and is to be back within 30 s."""

MOST_CONNECTIONS = 2_000
"""A process makes so many at the most: redis-py's own bound of 100 is an error for tasks that run in more threads than that."""

CONNECT_SECONDS = 5
TRIES = 3
"""A command that meets a broken connection is sent again: pools hold connections of a Redis that has since restarted."""


class LogIn(CredentialProvider):
    """User and password for a connection, looked up in the settings when it is made.

    So they stand in no address and in no setting of Celery's, which shows those to whoever asks a worker for them.
    """

    def login(self) -> Login:
        """Whose they are."""
        raise NotImplementedError

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """User and password, or the password alone: redis-py's form."""
        found = self.login()
        return (found.user, found.password) if found.user else (found.password,)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __json__ = __repr__  # for `celery inspect`


class Once(Retry):
    """One more try at once: a sentinel that is gone must not hold up the question to the next one."""

    def __init__(self) -> None:
        super().__init__(NoBackoff(), 1)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __json__ = __repr__  # for `celery inspect`


class BrokerLogIn(LogIn):
    """For the Redis that is the broker."""

    def login(self) -> Login:
        """What TIDINGS_BROKER_URL says, or TIDINGS_REDIS_URL."""
        found = settings().broker
        return found.login if found else Login()


class BrokerSentinelLogIn(LogIn):
    """For the sentinels that watch the broker."""

    def login(self) -> Login:
        """What its address says of them."""
        found = settings().broker
        return found.sentinel_login if found else Login()


@cache
def connect(url: str = "") -> Client:
    """A client on its own pool, one a process and address; without an address, the state's.

    Raises `redis.exceptions.RedisError` at its first command, not here, when nobody answers. Replies are text.
    """
    return made(parse(url) if url else settings().redis, decode_responses=True)


def knock() -> None:
    """Ask the state's Redis for a sign of life, once. Raises `redis.exceptions.RedisError`.

    redis-py tries to connect several times for each of a command's tries: where something takes connections and then says
    nothing, that is a minute.
    """
    client = made(settings().redis, retry=Retry(NoBackoff(), 0))
    try:
        client.ping()
    finally:
        client.close()


def made(address: Address, **options: Any) -> Client:
    """A new client on a pool of its own; `options` are redis-py's."""
    options = {
        "db": address.database,
        "username": address.login.user or None,
        "password": address.login.password or None,
        "socket_timeout": SOCKET_SECONDS,
        "socket_connect_timeout": CONNECT_SECONDS,
        "health_check_interval": 25,
        "max_connections": MOST_CONNECTIONS,
        "retry": Retry(ExponentialBackoff(cap=1, base=0.05), TRIES),
        **_tls(address),
        **address.options,
        **options,
    }
    if address.kind == "unix":
        return Redis(unix_socket_path=address.path, **options)
    options.setdefault("socket_keepalive", True)
    if address.kind != "sentinel":
        (host, port), *_ = address.hosts
        return Redis(host=host, port=port, **options)
    own = {
        "username": address.sentinel_login.user or None,
        "password": address.sentinel_login.password or None,
        **of_sentinels(address),
    }
    sentinels = Sentinel(list(address.hosts), sentinel_kwargs=own)  # type: ignore[no-untyped-call]
    return sentinels.master_for(address.master, **options)  # type: ignore[no-untyped-call]


def of_sentinels(address: Address) -> dict[str, Any]:
    """How its sentinels are connected to, without user and password; redis-py's names."""
    seconds = {"socket_timeout": CONNECT_SECONDS, "socket_connect_timeout": CONNECT_SECONDS}
    return {**seconds, "retry": Once(), **_tls(address)}


def _tls(address: Address) -> dict[str, Any]:
    return {"ssl": True, **address.tls} if address.tls else {}
