"""Addresses as they may be shown."""

import re

CREDENTIALS = re.compile(r"(?<=://)[^/?#;]*@")
PARAMETERS = re.compile(r"([?&;][^=&;]*(?:pass|secret|token|key)[^=&;]*=)[^&;]*", re.IGNORECASE)


def masked(url: str) -> str:
    """The address of a Redis or broker, or of several, with `***` for who logs in and for every secret in its query."""
    return PARAMETERS.sub(r"\1***", CREDENTIALS.sub("***@", url))
