"""The one place that makes Redis clients."""

from functools import cache
from threading import local
from typing import Any

from redis import Redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.connection import SSLConnection
from redis.credentials import CredentialProvider
from redis.retry import Retry
from redis.sentinel import Sentinel

from tasks.address import Address, Login, parse
from tasks.settings import settings
from tasks.store import tls
from tasks.store.demoted import Plain

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


class NotNested(Retry):
    """Tries a command `TRIES` times more. What redis-py tries again within a try is done once: the connection, and a PING on it.

    Else a Redis that takes connections and ends them, as one with TLS that wants another certificate does, costs each command
    16 of them and seconds.
    """

    _within = local()

    def __init__(self) -> None:
        super().__init__(ExponentialBackoff(cap=1, base=0.05), TRIES)

    def call_with_retry(self, *args: Any, **options: Any) -> Any:
        """As redis-py's, which calls it in turn for a command, for its connection and for a PING."""
        if getattr(self._within, "a_try", False):
            return _ONCE.call_with_retry(*args, **options)
        self._within.a_try = True
        try:
            return super().call_with_retry(*args, **options)
        finally:
            self._within.a_try = False


_ONCE = Retry(NoBackoff(), 0)


@cache
def connect(url: str = "") -> Client:
    """A client on its own pool, one a process and address; without an address, the state's.

    Raises `redis.exceptions.RedisError` at its first command, not here, when nobody answers. Replies are text.
    """
    return made(parse(url) if url else settings().redis, decode_responses=True)


def knock() -> None:
    """Ask the state's Redis for a sign of life, once. Raises `redis.exceptions.RedisError`."""
    client = made(settings().redis, retry=_ONCE)
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
        "retry": NotNested(),
        **_tls(address),
        **address.options,
        **options,
    }
    if address.kind == "unix":
        return Redis(unix_socket_path=address.path, **options)
    options.setdefault("socket_keepalive", True)
    if address.kind != "sentinel":
        (host, port), *_ = address.hosts
        client = Redis(host=host, port=port, **options)
        client.connection_pool.connection_class = tls.Tls if address.tls else Plain
        return client
    own = {
        "username": address.sentinel_login.user or None,
        "password": address.sentinel_login.password or None,
        **of_sentinels(address),
    }
    sentinels = Sentinel(list(address.hosts), sentinel_kwargs=own)  # type: ignore[no-untyped-call]
    for each in sentinels.sentinels:
        _with_tls(each, tls.Tls)
    return _with_tls(sentinels.master_for(address.master, **options), tls.SentinelTls)  # type: ignore[no-untyped-call]


def _with_tls(client: Client, kind: type) -> Client:
    """The client, whose connections share a context where they speak TLS."""
    if issubclass(client.connection_pool.connection_class, SSLConnection):
        client.connection_pool.connection_class = kind
    return client


def of_sentinels(address: Address) -> dict[str, Any]:
    """How its sentinels are connected to, without user and password; redis-py's names."""
    seconds = {"socket_timeout": CONNECT_SECONDS, "socket_connect_timeout": CONNECT_SECONDS}
    return {**seconds, "retry": Once(), **_tls(address)}


def _tls(address: Address) -> dict[str, Any]:
    return {"ssl": True, **address.tls} if address.tls else {}
