"""What the environment says of the database."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL

from handlers.storing.engine import address

URL_VARIABLE = "TIDINGS_DATABASE_URL"
TOPICS_VARIABLE = "TIDINGS_DATABASE_TOPICS"

DEFAULT_URL = "sqlite:///tidings.db"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where messages are stored, and those of which topics or patterns."""

    url: URL
    topics: tuple[str, ...]


def settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings. Raises `BadHandler` for an address that is none."""
    url = environment.get(URL_VARIABLE, "").strip() or DEFAULT_URL
    topics = environment.get(TOPICS_VARIABLE, "").split(",")
    return Settings(
        _from_here(address(url)), tuple(dict.fromkeys(each.strip() for each in topics if each.strip())) or ("*",)
    )


def _from_here(url: URL) -> URL:
    """The same; of a file of SQLite's the whole path, as a handler may have gone to another folder when it is opened."""
    name = url.database or ""
    if url.get_backend_name() != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return url
    return url.set(database=str(Path(name).absolute()))
