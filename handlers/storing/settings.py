"""What the environment says of the database."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy.engine import URL

from handlers.errors import BadHandler
from handlers.posting.environment import between_commas
from handlers.storing.engine import VARIABLE, address

TOPICS_VARIABLE = "TIDINGS_DATABASE_TOPICS"

FILES = frozenset(
    {
        "sslrootcert",
        "sslcert",
        "sslkey",
        "sslcrl",
        "sslcrldir",
        "passfile",
        "ssl_ca",
        "ssl_capath",
        "ssl_cert",
        "ssl_key",
    }
)
"""What names a file, or a folder, in the addresses of PostgreSQL and MariaDB."""

NO_FILES = frozenset({"system"})

YES = frozenset({"true", "yes", "on", "y", "t", "1"})
"""As SQLAlchemy reads it."""

DEFAULT_URL = "sqlite:///tidings.db"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where messages are stored, and those of which topics or patterns."""

    url: URL
    topics: tuple[str, ...]


def settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings. Raises `BadHandler` for an address that is none."""
    url = environment.get(VARIABLE, "").strip() or DEFAULT_URL
    listed = (environment.get(TOPICS_VARIABLE, "").strip() or "*").split(",")
    topics = tuple(dict.fromkeys(each.strip() for each in listed if each.strip()))
    if wrong := between_commas(topics):
        raise BadHandler(f"{TOPICS_VARIABLE}: {wrong}")
    return Settings(_with_files(_from_here(address(url))), topics)


def _from_here(url: URL) -> URL:
    """The same; of a file of SQLite's the whole path, as a handler may have gone to another folder when it is opened."""
    if url.get_backend_name() != "sqlite":
        return url
    name = url.database or ":memory:"
    if ":memory:" in name or "memory" in url.query.values():
        raise BadHandler(
            f"{VARIABLE} names no file, so that messages would be gone with their process: write {DEFAULT_URL}"
        )
    if name.startswith("file:") and str(url.query.get("uri")).lower() in YES:
        path = name.removeprefix("file:")
        return url if path.startswith("/") else url.set(database=f"file:{quote(str(Path.cwd()))}/{path}")
    return url.set(database=str(Path(name).absolute()))


def _with_files(url: URL) -> URL:
    """The same; of the certificates that it names the whole paths."""
    named = {name: str(value) for name, value in url.query.items() if name in FILES and value not in NO_FILES}
    return url.update_query_dict({name: str(Path(value).absolute()) for name, value in named.items()})
