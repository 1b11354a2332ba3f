"""One Redis address in the forms that its three users want: redis-py, kombu and Celery's result backend."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

SENTINEL_PORT = 26379


@dataclass(frozen=True, slots=True)
class Sentinel:
    """The sentinels to ask for the master called `master`, and its database and password."""

    hosts: tuple[tuple[str, int], ...]
    master: str
    database: int
    password: str | None


def sentinel(url: str) -> Sentinel | None:
    """The parts of `sentinel://:password@host:26379;sentinel://host2:26379/0?master=name`; None for another scheme."""
    if not url.startswith("sentinel://"):
        return None
    parts = [urlsplit(one) for one in url.split(";")]
    last = parts[-1]
    master = dict(parse_qsl(last.query)).get("master")
    if not master:
        raise ValueError("TIDINGS_REDIS_URL names sentinels but no master: add ?master=NAME at its end")
    database = last.path.strip("/") or "0"
    if not database.isdigit():
        raise ValueError(f"TIDINGS_REDIS_URL: the database after the slash must be a number, not {database!r}")
    hosts = tuple((part.hostname or "127.0.0.1", part.port or SENTINEL_PORT) for part in parts)
    return Sentinel(hosts, master, int(database), next((part.password for part in parts if part.password), None))


def with_verified_tls(url: str) -> str:
    """The same `rediss://` address, verifying the server's certificate unless it says otherwise."""
    parts = urlsplit(url)
    if parts.scheme != "rediss" or "ssl_cert_reqs" in parts.query:
        return url
    query = urlencode([*parse_qsl(parts.query), ("ssl_cert_reqs", "required")])
    return urlunsplit(parts._replace(query=query))


def for_broker(url: str) -> str:
    """The address as kombu writes it: a unix socket is `redis+socket://`."""
    if url.startswith("unix://"):
        parts = urlsplit(url)
        database = dict(parse_qsl(parts.query)).get("db", "0")
        return f"redis+socket://{parts.path}?virtual_host={database}"
    if url.startswith("sentinel://"):
        return url.split("?", 1)[0]
    return with_verified_tls(url)


def for_results(url: str) -> str:
    """The address as Celery's result backend writes it, behind the backend class that is ours."""
    if url.startswith("sentinel://"):
        return f"tasks.plumbing.backend:QuietSentinelBackend+{url.split('?', 1)[0]}"
    if url.startswith("unix://"):
        parts = urlsplit(url)
        database = dict(parse_qsl(parts.query)).get("db", "0")
        return f"tasks.plumbing.backend:QuietRedisBackend+socket://{parts.path}?virtual_host={database}"
    return f"tasks.plumbing.backend:QuietRedisBackend+{with_verified_tls(url)}"
