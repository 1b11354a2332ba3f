"""What a member of the accounts file may hold, each kind with its limits: names, numbers, secrets, addresses, free tables."""

import json
import re
from collections.abc import Mapping
from functools import cache
from ipaddress import ip_address
from math import isfinite
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from handlers.topics.names import full_names
from tasks.clock import DAY


def _printable(text: str) -> str:
    if text != text.strip() or not text.isprintable():
        raise ValueError("text without control characters and without spaces at its ends")
    return text


def _named(text: str) -> str:
    if not text.isprintable() or text != text.strip() or "/" in text or text.startswith("-"):
        raise ValueError(NAME)
    return text


def _bare_int(value: object) -> object:
    """Literals compare with `==`, which takes True for 1 and 4.0 for 4."""
    if type(value) is not int:
        raise PydanticCustomError("whole_number", "a whole number")
    return value


@cache
def _in_full(topic: str) -> str:
    """The full name of a topic, where a short one is clear: what vv-tool's own samples send."""
    from handlers.topics import MODELS  # not for accounts without topics: models take a tenth of a second to make

    meant = full_names(topic, MODELS)
    return meant[0] if len(meant) == 1 else topic


def _sendable(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not value or value != value.strip() or not (value.isascii() and value.isprintable()):
        raise ValueError("a secret of printable ASCII, in one line, without spaces at its ends")
    if _MEANT.fullmatch(value):
        raise ValueError(
            "env:NAME or file:PATH, spelled so; this is another way to name a variable or a file, and no secret"
        )
    return secret


_MEANT = re.compile(r"\$\w+|\$\{.*\}|\$\(.*\)|%\w+%|\{\{.*\}\}|(?i:env|file)\s*[:=].*", re.ASCII)
"""What other programs write for a variable or a file, or a template that nobody has filled in: a platform would refuse it, with
words about a signature."""


URL = "an http:// or https:// address without user, query or fragment"
GROUP = "text of 1 to 32 characters (left out: the default group)"
NAME = "a name of 1 to 100 printable characters, without `/`, no space at its ends, not starting with `-`"
Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Rate = Annotated[Number, Field(ge=0.0001, le=1_000_000)]
RATE = "a number above 0, from 0.0001 to 1000000"
"""Behind a gateway that allows a call in years nobody would ever be polled, and nothing would be wrong."""
Daily = Annotated[Whole, Field(ge=1, le=10**12)]
DAILY = "a whole number, 1 or more, up to 1000000000000"
Seconds = Annotated[Number, Field(gt=0, le=DAY)]
SECONDS = "a number of seconds above 0, up to 86400"
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_named)]
Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
Group = Annotated[str, Field(min_length=1, max_length=32), AfterValidator(_printable)]
Listed = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\s,]+$"), AfterValidator(_printable)]
Topic = Annotated[Listed, AfterValidator(_in_full)]
Edition = Annotated[Literal[1, 2, 3], BeforeValidator(_bare_int)]
CounterType = Annotated[Literal[4, 5], BeforeValidator(_bare_int)]
Secret = Annotated[SecretStr, AfterValidator(_sendable)]


def split(url: str) -> SplitResult:
    """The parts of a usable address. A user or a query may hide a secret, and neither platform needs one."""
    clean = url.isascii() and url.isprintable() and not set(url) & set(" @?#")
    try:
        parts = urlsplit(url)
        if clean and parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass
    raise ValueError(URL)


def is_here(url: str) -> bool:
    """Whether an address is this machine's own, where a sandbox may be and no platform is."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _free(table: object) -> str:
    """A free table as JSON text. Raises `ValueError` for what JSON does not have."""
    strange = _misfit(table, "extra") if isinstance(table, Mapping) else "this is none"
    if strange:
        raise ValueError(f"{EXTRA}; {strange}")
    text = json.dumps(table, ensure_ascii=False, default=dict)
    if len(text) > MOST_EXTRA:
        raise ValueError(f"{EXTRA}, of {MOST_EXTRA} characters at most")
    return text


def _misfit(value: object, where: str, depth: int = 0) -> str:
    """What in a value JSON does not have, and where; "" for nothing."""
    if depth > DEEPEST:
        return f"{where[:100]} is nested too deeply"
    if isinstance(value, Mapping):
        if strange := [name for name in value if not isinstance(name, str)]:
            return f"{where} has a key that is no text, but of type {type(strange[0]).__name__}"
        parts = [(f"{where}.{name}", each) for name, each in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(f"{where}[{number}]", each) for number, each in enumerate(value)]
    elif isinstance(value, float) and not isfinite(value):
        return f"{where} is no finite number"
    else:
        fine = value is None or type(value) in (str, int, float, bool)
        return "" if fine else f"{where} is of type {type(value).__name__}"
    return next(filter(None, (_misfit(each, there, depth + 1) for there, each in parts)), "")


EXTRA = 'a table of text, numbers, true or false, lists and tables, e.g. { webhook_url = "https://…" }'
MOST_EXTRA = 64 * 1024
"""Characters of JSON: many accounts have such a table, and each process that asks for one holds them all."""
DEEPEST = 20
Extra = Annotated[str, BeforeValidator(_free)]
