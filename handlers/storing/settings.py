"""What the environment says of the database."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

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
    return Settings(address(url), tuple(dict.fromkeys(each.strip() for each in topics if each.strip())) or ("*",))
